"""Clients of the emulator, and of nothing else.

A rehearsal must not reach a real account even by mistake, so the scripts forget the user's AWS settings
and refuse every endpoint that is not on loopback.
"""

import os
import urllib.parse

import boto3
import botocore.config

# The emulator takes an access key of twelve digits for the root of that account; the secret is not checked.
ROOT_SECRET = "test"


class NotLoopback(Exception):
    """The endpoint is not on this machine."""


def forget_user_settings():
    """Remove from the environment all with which an AWS client could find credentials, a profile or an endpoint."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.devnull
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


class Loopback:
    """One account of the emulator."""

    def __init__(self, endpoint, account):
        host = urllib.parse.urlsplit(endpoint).hostname
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise NotLoopback(f"{endpoint} is not on loopback: a rehearsal talks to its own emulator only")
        self.endpoint = endpoint
        self.account = account
        self._session = boto3.Session()
        self._clients = {}

    def client(self, service, region):
        """The client of a service in a Region; made once, because making one takes longer than most calls."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=self.account,
                aws_secret_access_key=ROOT_SECRET,
                config=botocore.config.Config(
                    retries={"total_max_attempts": 1},
                    connect_timeout=5,
                    read_timeout=120,
                    s3={"addressing_style": "path"},
                    # Nothing gets lost on loopback, and checksums of large binaries take seconds.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        return self._clients[key]

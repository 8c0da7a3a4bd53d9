"""Clients that speak another protocol than the one botocore prefers: a service may speak several, and so must its stand-in."""

import botocore.config
import botocore.session

from . import scene

CLOUDWATCH = ("json", "smithy-rpc-v2-cbor", "query")


class OneProtocol:
    """A loader of service models that leaves each service one protocol."""

    def __init__(self, loader, protocol):
        self._loader, self._protocol = loader, protocol

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def load_service_model(self, *arguments, **named):
        model = self._loader.load_service_model(*arguments, **named)
        if "protocols" not in model.get("metadata", {}):
            return model
        metadata = {**model["metadata"], "protocols": [self._protocol], "protocol": self._protocol}
        return {**model, "metadata": metadata}


def cloudwatch(endpoint, region, protocol):
    """A client of CloudWatch on loopback that speaks that protocol and no other."""
    session = botocore.session.Session()
    session.register_component("data_loader", OneProtocol(session.get_component("data_loader"), protocol))
    return session.create_client(
        "cloudwatch",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=scene.ACCOUNT,
        aws_secret_access_key="test",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )

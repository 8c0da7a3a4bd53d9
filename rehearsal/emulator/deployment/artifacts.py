"""Code, layers and definitions, uploaded to the emulator's S3 under names made from their contents."""

import hashlib
import io
import os
import shlex
import zipfile

from . import CannotDeploy

BUCKET = "recovery-rehearsal-artifacts"
EXECUTABLE = 0o755
READABLE = 0o644
# The oldest moment a ZIP archive can hold: the same contents always give the same archive.
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
# The emulator takes a second for 50 MB. Release builds are below this, unoptimised builds far above it.
LARGEST_UPLOAD = 16 * 1024 * 1024


class MissingArtifact(CannotDeploy):
    """A file that the template needs is not there."""


def read(path, what):
    """The contents of a file, or an error that says what it is for."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise MissingArtifact(f"{what}: {path} cannot be read: {error.strerror}") from error


def archive(name, contents, mode):
    """A ZIP archive of one file. Stored, not compressed: it only travels over loopback."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive_file:
        entry = zipfile.ZipInfo(name, FIXED_DATE)
        entry.external_attr = mode << 16
        archive_file.writestr(entry, contents)
    return buffer.getvalue()


class Artifacts:
    """The bucket in which the deployment's files lie."""

    def __init__(self, s3, region):
        self._s3 = s3
        self.linked = []
        placement = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            s3.create_bucket(Bucket=BUCKET, **placement)
        except s3.exceptions.BucketAlreadyOwnedByYou:
            pass

    def put(self, contents, extension):
        """Upload the contents and return their key."""
        key = hashlib.sha256(contents).hexdigest()[:32] + extension
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=contents)
        return key

    def function(self, binaries, package):
        """The S3 address of a function's code: its binary, named as Lambda expects it.

        A large binary stays where it lies, and a script that becomes it is uploaded in its place.
        """
        path = os.path.abspath(os.path.join(binaries, package))
        code = read(path, f"binary of the function {package}")
        if not os.access(path, os.X_OK):
            raise MissingArtifact(f"binary of the function {package}: {path} is not executable")
        if len(code) > LARGEST_UPLOAD:
            self.linked.append(package)
            code = f'#!/bin/sh\nexec {shlex.quote(path)} "$@"\n'.encode()
        return f"s3://{BUCKET}/{self.put(archive('bootstrap', code, EXECUTABLE), '.zip')}"

    def layer(self, path):
        """The S3 address of a layer that holds one file."""
        contents = read(path, "contents of the layer")
        return f"s3://{BUCKET}/{self.put(archive(os.path.basename(path), contents, READABLE), '.zip')}"

    def definition(self, path):
        """Where a state machine's definition lies, in the form SAM takes."""
        return {"Bucket": BUCKET, "Key": self.put(read(path, "definition of the state machine"), ".asl.json")}

    def template_url(self, body):
        """The address of a template that is too long to send along."""
        return f"https://s3.amazonaws.com/{BUCKET}/{self.put(body, '.template.json')}"

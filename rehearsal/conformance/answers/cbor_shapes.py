"""CBOR documents. Decoded by botocore, which shares no code with the face that encodes them."""

from botocore.parsers import RpcV2CBORParser

from . import value_shapes
from .scalars import flaws_of_value


def decoded(body):
    """The document, and what follows it, of which there is to be nothing."""
    parser = RpcV2CBORParser()
    stream = parser.get_peekable_stream_from_bytes(body)
    return parser.parse_data_item(stream), stream.read()


def flaws(value, shape, path):
    return value_shapes.flaws(value, shape, path, flaws_of_value)

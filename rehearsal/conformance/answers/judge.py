"""Holds one answer against the model."""

import json
from xml.etree import ElementTree

from botocore.validate import ParamValidator

from . import cbor_shapes, error_codes, json_shapes, xml_shapes

ROUTE53_NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
FAULTS = {True: "Sender", False: "Receiver"}


def flaws(operation, raw, parsed):
    """Everything that is wrong with an answer: as it went over the wire, and as botocore read it."""
    protocol = operation.service_model.resolved_protocol
    if raw["status_code"] >= 300:
        found = flaws_of_refusal(operation, raw, parsed, protocol)
    else:
        found = flaws_of_success(operation, raw, protocol) + flaws_of_reading(operation, parsed)
    return [f"{operation.service_model.service_name} {operation.name}: {flaw}" for flaw in found]


def flaws_of_success(operation, raw, protocol):
    shape = operation.output_shape
    if raw["status_code"] != operation.http.get("responseCode", 200):
        return [f"the status is {raw['status_code']}"]
    if protocol == "smithy-rpc-v2-cbor":
        return flaws_of_head(operation, raw) + flaws_of_cbor(raw["body"], shape)
    if protocol in ("json", "rest-json"):
        return flaws_of_head(operation, raw) + json_shapes.flaws(json.loads(raw["body"]), shape, shape.name)
    if raw["headers"].get("content-type") != "text/xml":
        return [f"the content type is {raw['headers'].get('content-type')}"]
    root = ElementTree.fromstring(raw["body"])
    if protocol == "query":
        return flaws_of_query(operation, root, shape)
    found = flaws_of_name(root, shape.name, ROUTE53_NAMESPACE)
    return found + xml_shapes.flaws(root, shape, shape.name)


def flaws_of_query(operation, root, shape):
    found = flaws_of_name(root, f"{operation.name}Response", operation.metadata["xmlNamespace"])
    wrapper = shape.serialization["resultWrapper"]
    names = [xml_shapes.local(child) for child in root]
    if names != [wrapper, "ResponseMetadata"]:
        return found + [f"the answer holds {', '.join(names)}, and is to hold {wrapper} and ResponseMetadata"]
    if [xml_shapes.local(child) for child in root[1]] != ["RequestId"]:
        found.append("ResponseMetadata holds something else than one RequestId")
    return found + xml_shapes.flaws(root[0], shape, wrapper)


def flaws_of_name(root, name, namespace):
    found = []
    if xml_shapes.local(root) != name:
        found.append(f"the document is called {xml_shapes.local(root)}, and not {name}")
    if xml_shapes.namespace(root) != namespace:
        found.append(f"the document's namespace is {xml_shapes.namespace(root)!r}, and not {namespace!r}")
    return found


def flaws_of_head(operation, raw):
    """The headers by which a client knows the protocol."""
    wanted = {
        "smithy-rpc-v2-cbor": {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"},
        "json": {"content-type": f"application/x-amz-json-{operation.metadata.get('jsonVersion')}"},
        "rest-json": {"content-type": "application/json"},
    }[operation.service_model.resolved_protocol]
    return [
        f"{name} is {raw['headers'].get(name)}, and not {value}"
        for name, value in wanted.items()
        if raw["headers"].get(name) != value
    ]


def flaws_of_cbor(body, shape):
    value, rest = cbor_shapes.decoded(body)
    found = ["bytes follow the document"] if rest else []
    return found + cbor_shapes.flaws(value, shape, shape.name)


def flaws_of_reading(operation, parsed):
    """What botocore's validator says of what botocore's parser made of the answer."""
    read = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
    report = ParamValidator().validate(read, operation.output_shape)
    return [f"as botocore read it: {report.generate_report()}"] if report.has_errors() else []


def flaws_of_refusal(operation, raw, parsed, protocol):
    code, status = parsed.get("Error", {}).get("Code"), raw["status_code"]
    found = error_codes.flaws(operation, status, code)
    if not parsed.get("Error", {}).get("Message"):
        found.append(f"{code} comes without a message")
    if protocol in ("smithy-rpc-v2-cbor", "json", "rest-json"):
        return found + flaws_of_head(operation, raw) + flaws_of_document(operation, raw, code, status, protocol)
    root = ElementTree.fromstring(raw["body"])
    if operation.service_model.service_name == "s3":
        return found + flaws_of_s3(root)
    found += flaws_of_name(root, "ErrorResponse", operation.metadata.get("xmlNamespace", ROUTE53_NAMESPACE))
    if [xml_shapes.local(child) for child in root] != ["Error", "RequestId"]:
        return found + ["an ErrorResponse holds Error and RequestId"]
    if [xml_shapes.local(child) for child in root[0]] != ["Type", "Code", "Message"]:
        return found + ["an Error holds Type, Code and Message"]
    if root[0][0].text != FAULTS[status < 500]:
        found.append(f"{code} with status {status} is called the fault of the {root[0][0].text}")
    if root[0][1].text != code:
        found.append(f"the document says {root[0][1].text}, and botocore reads {code}")
    return found


def flaws_of_s3(root):
    names = [xml_shapes.local(child) for child in root]
    return [] if names == ["Code", "Message", "RequestId"] else [f"an Error of S3 holds {', '.join(names)}"]


def flaws_of_document(operation, raw, code, status, protocol):
    """The document names a shape of the model; the header keeps the code that the Query protocol had for it."""
    if protocol == "smithy-rpc-v2-cbor":
        value, rest = cbor_shapes.decoded(raw["body"])
    else:
        value, rest = json.loads(raw["body"]), b""
    if rest or not isinstance(value, dict) or not set(value) <= {"__type", "message", "Message"}:
        return ["the error is more than __type and message"]
    named = raw["headers"].get("x-amzn-errortype") if protocol == "rest-json" else value.get("__type")
    named, found = str(named).rpartition("#")[2], []
    for shape in operation.error_shapes:
        if shape.metadata.get("error", {}).get("code", shape.name) == code and shape.name != named:
            found.append(f"the document says {named}, and the model's shape for {code} is {shape.name}")
    comes_from_query = operation.metadata.get("awsQueryCompatible") is not None
    if comes_from_query and raw["headers"].get("x-amzn-query-error") != f"{code};{FAULTS[status < 500]}":
        found.append(f"x-amzn-query-error is {raw['headers'].get('x-amzn-query-error')!r}, beside the code {code}")
    return found

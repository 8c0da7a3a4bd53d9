"""Every way in which a service fails as a whole, for every service that a recovery speaks to."""

from . import protocols, scene
from .cloudwatch_calls import asking, query

# One call of each service whose failures the proxy plays itself, in the protocol of that service.
ONE_OF_EACH = [
    ("apigateway", "get_rest_apis", {}),
    ("apigatewayv2", "get_apis", {}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "v"}}}),
    ("ecs", "describe_services", {"services": ["s"]}),
    ("lambda", "get_function_configuration", {"FunctionName": "f"}),
    ("rds", "describe_db_instances", {}),
    ("s3", "get_object", {"Bucket": "bucket", "Key": "key"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
    ("sns", "publish", {"Message": "m", "TopicArn": "arn:aws:sns:ap-northeast-1:123456789012:t"}),
    ("ssm", "get_parameter", {"Name": "/p"}),
    ("stepfunctions", "describe_execution", {"executionArn": "arn:aws:states:ap-northeast-1:123456789012:execution:m:e"}),
]
WORLD = {scene.THROTTLED: "Throttling", scene.DARK: "ServiceUnavailable"}


def asked(target, listen):
    """What to call, how a failure is recognised, and whether it is: as a triple of a description, a call and a test."""
    for region, code in WORLD.items():
        due = f"{code} from the world"
        named = lambda error, status, code=code: error["Code"] == code
        yield due, listen("rds", region).describe_db_instances, {}, named
        for protocol in protocols.CLOUDWATCH:
            client = listen("cloudwatch", region, protocol)
            yield f"{due} in {protocol}", client.get_metric_data, asking(query())(target), named
    for region, wanted in scene.BROKEN.items():
        fits = lambda error, status, wanted=wanted: status == wanted or (wanted == 400 and status in (400, 429, 503))
        for service, method, parameters in ONE_OF_EACH:
            yield f"{wanted} of {service}", getattr(listen(service, region), method), parameters, fits
        for protocol in protocols.CLOUDWATCH:
            client = listen("cloudwatch", region, protocol)
            yield f"{wanted} of cloudwatch in {protocol}", client.get_metric_data, asking(query())(target), fits
    for zone, wanted in scene.BROKEN_ZONES.items():
        fits = lambda error, status, wanted=wanted: status == wanted
        yield f"{wanted} of route53", listen("route53", scene.EAST).get_hosted_zone, {"Id": zone}, fits

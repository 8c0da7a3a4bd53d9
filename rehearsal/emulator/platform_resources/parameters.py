"""SSM parameters: {"region", "name", "type", "value"}."""


def set_up(loopback, wanted):
    loopback.client("ssm", wanted["region"]).put_parameter(
        Name=wanted["name"], Type=wanted.get("type", "String"), Value=wanted["value"]
    )


def read(loopback, wanted):
    found = loopback.client("ssm", wanted["region"]).get_parameter(Name=wanted["name"], WithDecryption=True)
    parameter = found["Parameter"]
    return {
        "region": wanted["region"],
        "name": wanted["name"],
        "type": parameter["Type"],
        "value": parameter["Value"],
        "version": parameter["Version"],
    }

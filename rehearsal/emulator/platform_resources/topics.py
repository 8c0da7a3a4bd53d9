"""SNS topics: {"region", "name"}."""


def set_up(loopback, wanted):
    loopback.client("sns", wanted["region"]).create_topic(Name=wanted["name"])


def read(loopback, wanted):
    arn = f"arn:aws:sns:{wanted['region']}:{loopback.account}:{wanted['name']}"
    attributes = loopback.client("sns", wanted["region"]).get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"region": wanted["region"], "name": wanted["name"], "arn": attributes["TopicArn"]}

"""Queues, topics and log groups."""

from ..comparison import Comparison


def queue(deployed, name, wanted):
    """The attributes of a queue."""
    attributes = {key: value for key, value in wanted.items() if key not in ("QueueName", "Tags")}
    found = deployed.client("sqs").get_queue_attributes(QueueUrl=deployed.physical[name], AttributeNames=["All"])
    for key, value in attributes.items():
        yield Comparison(name, key, value, found["Attributes"].get(key))


def topic(deployed, name, wanted):
    """The encryption of a topic."""
    if "KmsMasterKeyId" in wanted:
        client, identity = deployed.client("sns"), deployed.physical[name]
        key = wanted["KmsMasterKeyId"]
        found = client.get_topic_attributes(TopicArn=identity)["Attributes"]
        yield Comparison(
            name, "KmsMasterKeyId", key, found.get("KmsMasterKeyId"),
            lambda: client.set_topic_attributes(
                TopicArn=identity, AttributeName="KmsMasterKeyId", AttributeValue=key
            ),
        )


def log_group(deployed, name, wanted):
    """How long logs are kept."""
    identity = deployed.physical[name]
    groups = deployed.client("logs").describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
    found = next((group for group in groups if group["logGroupName"] == identity), {})
    if "RetentionInDays" in wanted:
        yield Comparison(name, "RetentionInDays", wanted["RetentionInDays"], found.get("retentionInDays"))

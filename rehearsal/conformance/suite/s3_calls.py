"""S3: the rules by which a bucket is replicated. Behind the face stands MiniStack; the face only passes on."""

from .call import Call, given, keeping
from .scene import ACCOUNT, EAST, LAKE, LAKE_COPY

# All that says what a rule copies.
COPIED = keeping(
    "ReplicationConfiguration.Rules[].[ID, Status, Priority, Filter, Prefix, DeleteMarkerReplication.Status, Destination.Bucket,"
    " SourceSelectionCriteria]"
)
TAGS = [{"Key": "kind", "Value": "scan"}, {"Key": "of", "Value": ""}]


def rule(name, priority, **more):
    destination = {"Bucket": f"arn:aws:s3:::{LAKE_COPY}"}
    markers = {"Status": "Disabled"}
    return {
        "ID": name,
        "Status": "Enabled",
        "Priority": priority,
        "DeleteMarkerReplication": markers,
        "Destination": destination,
        **more,
    }


def with_rules(rules):
    """Makes both buckets, with versions as replication requires, and the rules."""

    def before(target):
        s3 = target.client("s3", EAST)
        for bucket in (LAKE, LAKE_COPY):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        configuration = {"Role": f"arn:aws:iam::{ACCOUNT}:role/copies", "Rules": rules}
        s3.put_bucket_replication(Bucket=LAKE, ReplicationConfiguration=configuration)

    return before


def rules_of(name, bucket, **more):
    return Call(f"s3-{name}", "s3", EAST, "GetBucketReplication", given({"Bucket": bucket}), COPIED, **more)


def calls():
    everything = rule("everything", 3, Filter={"Prefix": ""})
    tagged = rule("tagged", 2, Filter={"And": {"Prefix": "in/", "Tags": TAGS}}, Status="Disabled")
    older = {"ID": "older", "Prefix": "in/", "Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::{LAKE_COPY}"}}
    yield rules_of("rules-of-a-bucket", LAKE, before=with_rules([everything, tagged]))
    yield rules_of("rules-of-the-first-version", LAKE, before=with_rules([older]))
    yield rules_of("rules-of-a-bucket-without", LAKE_COPY)
    yield rules_of("rules-of-no-bucket", "nobody-has-this-bucket")

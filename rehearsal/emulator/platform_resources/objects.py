"""Objects in S3: {"region", "bucket", "key", "content"}, the content in base 64. Buckets are made as they are needed."""

import base64


def set_up(loopback, wanted):
    s3 = loopback.client("s3", wanted["region"])
    # us-east-1 is the one Region that S3 takes no name of.
    placement = {"LocationConstraint": wanted["region"]}
    configuration = {} if wanted["region"] == "us-east-1" else {"CreateBucketConfiguration": placement}
    try:
        s3.create_bucket(Bucket=wanted["bucket"], **configuration)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass
    s3.put_object(Bucket=wanted["bucket"], Key=wanted["key"], Body=base64.b64decode(wanted["content"]))


def read(loopback, wanted):
    found = loopback.client("s3", wanted["region"]).head_object(Bucket=wanted["bucket"], Key=wanted["key"])
    return {
        "region": wanted["region"],
        "bucket": wanted["bucket"],
        "key": wanted["key"],
        "bytes": found["ContentLength"],
        "etag": found["ETag"],
    }

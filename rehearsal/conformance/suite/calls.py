"""The whole suite, in the order in which it is made."""

from . import backup_calls, cloudwatch_calls, dynamodb_calls, rds_calls, route53_calls, s3_calls

# Metrics are asked for while there still is a replica.
ALL = [
    *cloudwatch_calls.calls(),
    *rds_calls.calls(),
    *dynamodb_calls.calls(),
    *backup_calls.calls(),
    *route53_calls.calls(),
    *s3_calls.calls(),
]

assert len({call.name for call in ALL}) == len(ALL), "two calls have one name"

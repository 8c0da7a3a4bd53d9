"""What the release binaries are given to run with: nothing of the caller's, and only loopback."""


def function_environment(runtime_api, plan, endpoint="http://127.0.0.1:9"):
    """The environment of a function as Lambda would set it."""
    return {
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": "figure",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "figure",
        "AWS_LAMBDA_LOG_STREAM_NAME": "figure",
        "AWS_REGION": "us-west-2",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL": endpoint,
        "RECOVERY_PLAN": str(plan),
        "RECOVERY_JOURNAL_TABLE": "figure",
        "RECOVERY_STATE_MACHINE_ARN": "arn:aws:states:us-west-2:123456789012:stateMachine:figure",
        "RECOVERY_NOTICES_TOPIC_ARN": "arn:aws:sns:us-west-2:123456789012:figure",
        "PATH": "/usr/bin:/bin",
    }

"""What came of a call, in words that can be compared between stand-ins and written into a table."""

import json

import botocore.exceptions


def outcome(target, call):
    """The status and code of a refusal, or what the call keeps of its answer."""
    client = target.client(call.service, call.region)
    try:
        answer = getattr(client, call.method)(**call.parameters(target))
    except botocore.exceptions.ClientError as error:
        about = error.response
        return f"{about['ResponseMetadata']['HTTPStatusCode']} {about['Error']['Code']}"
    except botocore.exceptions.BotoCoreError as error:
        return f"unreadable: {type(error).__name__}"
    # What a stand-in throws inside this process is its answer, too.
    except Exception as error:  # noqa: BLE001
        return f"breaks: {type(error).__name__}"
    text = json.dumps(call.keep(answer, target), default=str, separators=(", ", ": "), sort_keys=True)
    for name, word in target.names().items():
        text = text.replace(name, word)
    return text

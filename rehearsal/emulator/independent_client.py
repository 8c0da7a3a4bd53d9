"""A client that shares nothing with the functions under rehearsal: botocore, one call per line.

Reads lines {"service", "region", "operation", "parameters"} from standard input, and answers each with a line
{"answer": …} or {"error": {"code", "message"}}. Ends with its input.

    independent_client.py ENDPOINT ACCOUNT
"""

import datetime
import json
import sys

import botocore.exceptions
import botocore.response

from loopback import Loopback, NotLoopback, forget_user_settings


def plain(value):
    """What JSON cannot say by itself."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, botocore.response.StreamingBody):
        return value.read().decode(errors="replace")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def call(loopback, wanted):
    client = loopback.client(wanted["service"], wanted["region"])
    answer = getattr(client, wanted["operation"])(**wanted.get("parameters", {}))
    answer.pop("ResponseMetadata", None)
    return answer


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: independent_client.py ENDPOINT ACCOUNT")
    forget_user_settings()
    try:
        loopback = Loopback(sys.argv[1], sys.argv[2])
    except NotLoopback as error:
        sys.exit(str(error))
    for line in sys.stdin:
        try:
            result = {"answer": call(loopback, json.loads(line))}
        except botocore.exceptions.ClientError as error:
            about = error.response.get("Error", {})
            result = {"error": {"code": about.get("Code", "Unknown"), "message": about.get("Message", str(error))}}
        except botocore.exceptions.BotoCoreError as error:
            result = {"error": {"code": type(error).__name__, "message": str(error)}}
        print(json.dumps(result, default=plain), flush=True)


if __name__ == "__main__":
    main()

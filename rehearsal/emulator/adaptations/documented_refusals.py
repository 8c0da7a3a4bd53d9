"""Refuses what AWS documents that it refuses, where MiniStack goes along.

A rehearsal that lets these pass would teach the engine habits that fail on the real day:

- a secret's version, once written, cannot be given other contents under the same request token, and is left
  alone when the contents are the same
  (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html);
- a function cannot be changed while an earlier change of it is in progress
  (https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html, ResourceConflictException).
"""

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc, secretsmanager

from . import private_names


def apply():
    refuse_to_rewrite_secret_versions()
    refuse_overlapping_function_updates()


def refuse_to_rewrite_secret_versions():
    put = private_names.require_function(secretsmanager, "_put_secret_value", ["data"])
    find = private_names.require_function(secretsmanager, "_resolve", ["secret_id", "use_arn_scope"])

    def put_once(data):
        token = data.get("ClientRequestToken")
        _, secret = find(data.get("SecretId"))
        existing = secret["Versions"].get(token) if secret and token else None
        if existing is None or secret.get("DeletedDate"):
            return put(data)
        if any(existing.get(key) != data.get(key) for key in ("SecretString", "SecretBinary")):
            return error_response_json(
                "ResourceExistsException",
                f"You can't use ClientRequestToken {token} because that value is already in use "
                f"for a version of secret {secret['ARN']}.",
                400,
            )
        return json_response(
            {
                "ARN": secret["ARN"],
                "Name": secret["Name"],
                "VersionId": token,
                "VersionStages": list(existing["Stages"]),
            }
        )

    secretsmanager._put_secret_value = put_once


def refuse_overlapping_function_updates():
    update = private_names.require_function(lambda_svc, "_update_config", ["name", "data"])

    def update_when_settled(name, data):
        config = (lambda_svc._functions.get(name) or {}).get("config", {})
        if config.get("LastUpdateStatus") == "InProgress":
            return error_response_json(
                "ResourceConflictException",
                "The operation cannot be performed at this time. "
                f"An update is in progress for resource: {config.get('FunctionArn')}",
                409,
            )
        return update(name, data)

    lambda_svc._update_config = update_when_settled

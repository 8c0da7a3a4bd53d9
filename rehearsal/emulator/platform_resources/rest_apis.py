"""REST APIs with one stage: {"region", "id", "stage", "methods", "settings"}.

`methods` lists methods such as `POST /patients`; `settings`, which may be absent, has by method the throttling that
stands before a recovery, such as {"rateLimit": "10"}.

The id is the plan's: AWS gives ids out itself, the emulator takes one from a tag.
"""

ID_TAG = "ms-custom-id"


def set_up(loopback, wanted):
    client = loopback.client("apigateway", wanted["region"])
    api = wanted["id"]
    client.create_rest_api(name=f"rehearsal {api}", tags={ID_TAG: api})
    known = {item["path"]: item["id"] for item in client.get_resources(restApiId=api)["items"]}
    for each in wanted["methods"]:
        method, path = each.split(" ", 1)
        resource = resource_id(client, api, known, path)
        client.put_method(restApiId=api, resourceId=resource, httpMethod=method, authorizationType="NONE")
        client.put_integration(restApiId=api, resourceId=resource, httpMethod=method, type="MOCK")
    deployment = client.create_deployment(restApiId=api)["id"]
    client.create_stage(restApiId=api, stageName=wanted["stage"], deploymentId=deployment)
    operations = [
        {"op": "replace", "path": f"/{escaped(path)}/{method}/throttling/{setting}", "value": value}
        for each, settings in wanted.get("settings", {}).items()
        for method, path in [each.split(" ", 1)]
        for setting, value in settings.items()
    ]
    if operations:
        client.update_stage(restApiId=api, stageName=wanted["stage"], patchOperations=operations)


def escaped(path):
    """A resource's path as one part of a patch operation's path."""
    return path.replace("~", "~0").replace("/", "~1")


def resource_id(client, api, known, path):
    """The resource of a path, made with all its parents where it is missing."""
    if path not in known:
        parent, _, part = path.rpartition("/")
        parent_id = resource_id(client, api, known, parent or "/")
        known[path] = client.create_resource(restApiId=api, parentId=parent_id, pathPart=part)["id"]
    return known[path]


def read(loopback, wanted):
    stage = loopback.client("apigateway", wanted["region"]).get_stage(
        restApiId=wanted["id"], stageName=wanted["stage"]
    )
    return {
        "region": wanted["region"],
        "id": wanted["id"],
        "stage": wanted["stage"],
        "deployment": stage["deploymentId"],
        "method_settings": stage.get("methodSettings", {}),
        "variables": stage.get("variables", {}),
    }

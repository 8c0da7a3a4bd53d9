"""Settings of an HTTP API's routes: `UpdateStage` merges them, `DeleteRouteSettings` takes those of one route away.

MiniStack puts the settings that an update sends in the place of all routes' settings. It does not know the other call, and
takes its address for the stage's: it deletes the whole stage.

AWS documents the deletion, but not that an update leaves the routes alone that it does not name; AWS's support and others
who measured it do:
https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename-routesettings-routekey.html
https://github.com/serverless/serverless/pull/8590
https://github.com/go-to-k/cdkd/pull/1577
"""

import json
import re
import urllib.parse

from ministack.services import apigateway

from . import private_names

STAGE = re.compile(r"/v2/apis/([^/]+)/stages/([^/]+)")
ROUTE = re.compile(STAGE.pattern + r"/routesettings/(.+)")


def apply():
    """Answer the deletion before MiniStack sees it, and complete an update to what it amounts to."""
    handle = private_names.require_function(
        apigateway, "handle_request", ["method", "path", "headers", "body", "query_params"]
    )

    async def handle_with_route_settings(method, path, headers, body, query_params):
        if method == "PATCH" and (called := STAGE.fullmatch(path)):
            body = completed(body, present(*names(called)))
        if method == "DELETE" and (called := ROUTE.fullmatch(path)):
            return deleted(*names(called))
        return await handle(method, path, headers, body, query_params)

    apigateway.handle_request = handle_with_route_settings


def names(called):
    """What the address names, decoded."""
    return [urllib.parse.unquote(part) for part in called.groups()]


def present(api, stage_name):
    """The settings by route that a stage has now; empty where there is no such stage."""
    stage = apigateway._stages.get(api, {}).get(stage_name) or {}
    return stage.get("routeSettings", {})


def completed(body, settings):
    """The body of an update with the settings of the routes that it does not name."""
    try:
        sent = json.loads(body)
    except ValueError:
        return body
    if not isinstance(sent, dict) or not isinstance(sent.get("routeSettings"), dict):
        return body
    # Whether the fields of a named route are merged too is not known. Here they are replaced: who counts on them finds out.
    return json.dumps({**sent, "routeSettings": {**settings, **sent["routeSettings"]}}).encode()


def deleted(api, stage_name, route):
    """The answer to a deletion that has been made, or to one that found nothing."""
    settings = present(api, stage_name)
    if route not in settings:
        message = json.dumps({"message": f"Unable to find route settings {route}"}).encode()
        return 404, {"Content-Type": "application/json", "x-amzn-errortype": "NotFoundException"}, message
    del settings[route]
    return 204, {}, b""

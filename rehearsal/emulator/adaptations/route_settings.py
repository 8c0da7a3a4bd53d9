"""`DeleteRouteSettings` deletes the settings of one route.

MiniStack does not know the call and takes its address for the stage's: it deletes the whole stage.
https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename-routesettings-routekey.html
"""

import json
import re
import urllib.parse

from ministack.services import apigateway

from . import private_names

ADDRESS = re.compile(r"/v2/apis/([^/]+)/stages/([^/]+)/routesettings/(.+)")


def apply():
    """Answer that call before MiniStack sees it."""
    handle = private_names.require_function(
        apigateway, "handle_request", ["method", "path", "headers", "body", "query_params"]
    )

    async def handle_with_route_settings(method, path, headers, body, query_params):
        called = ADDRESS.fullmatch(path) if method == "DELETE" else None
        if called is None:
            return await handle(method, path, headers, body, query_params)
        api, stage_name, route = (urllib.parse.unquote(part) for part in called.groups())
        stage = apigateway._stages.get(api, {}).get(stage_name)
        if stage is None or route not in stage.get("routeSettings", {}):
            message = json.dumps({"message": f"Unable to find route settings {route}"}).encode()
            return 404, {"Content-Type": "application/json", "x-amzn-errortype": "NotFoundException"}, message
        del stage["routeSettings"][route]
        return 204, {}, b""

    apigateway.handle_request = handle_with_route_settings

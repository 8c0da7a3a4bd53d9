"""HTTP APIs with one stage: {"region", "id", "stage", "routes", "settings"}.

`routes` lists route keys such as `POST /patients`; `settings`, which may be absent, has by route key what stands
before a recovery, such as {"ThrottlingRateLimit": 10}.

The id is the plan's: AWS gives ids out itself, the emulator takes one from a tag.
"""

ID_TAG = "ms-custom-id"


def set_up(loopback, wanted):
    client = loopback.client("apigatewayv2", wanted["region"])
    client.create_api(Name=f"rehearsal {wanted['id']}", ProtocolType="HTTP", Tags={ID_TAG: wanted["id"]})
    for route in wanted.get("routes", []):
        client.create_route(ApiId=wanted["id"], RouteKey=route)
    client.create_stage(ApiId=wanted["id"], StageName=wanted["stage"], RouteSettings=wanted.get("settings", {}))


def read(loopback, wanted):
    stage = loopback.client("apigatewayv2", wanted["region"]).get_stage(
        ApiId=wanted["id"], StageName=wanted["stage"]
    )
    return {
        "region": wanted["region"],
        "id": wanted["id"],
        "stage": wanted["stage"],
        "default_route_settings": stage.get("DefaultRouteSettings", {}),
        "route_settings": stage.get("RouteSettings", {}),
    }

"""An HTTP API's route settings, as calls change them one after another."""

import asyncio
import json
import unittest

from adaptations import route_settings
from ministack.services import apigateway

THROTTLE = {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100}
CLOSED = {"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0}


class Calls(unittest.TestCase):
    def setUp(self):
        unadapted = apigateway.handle_request
        route_settings.apply()
        self.addCleanup(setattr, apigateway, "handle_request", unadapted)
        self.api = self.call("POST", "/v2/apis", {"name": "a", "protocolType": "HTTP"})[1]["apiId"]
        self.call("POST", f"/v2/apis/{self.api}/stages", {"stageName": "prod", "routeSettings": {"GET /a": THROTTLE}})

    def call(self, method, path, document=None):
        body = b"" if document is None else json.dumps(document).encode()
        status, _, answer = asyncio.run(apigateway.handle_request(method, path, {}, body, {}))
        return status, json.loads(answer) if answer else None

    def stage(self, rest=""):
        return f"/v2/apis/{self.api}/stages/prod{rest}"

    def settings(self):
        return self.call("GET", self.stage())[1]["routeSettings"]

    def test_an_update_leaves_the_routes_alone_that_it_does_not_name(self):
        status, answer = self.call("PATCH", self.stage(), {"routeSettings": {"POST /a": CLOSED}})
        self.assertEqual((status, answer["routeSettings"]), (200, {"GET /a": THROTTLE, "POST /a": CLOSED}))
        self.assertEqual(self.settings(), {"GET /a": THROTTLE, "POST /a": CLOSED})

    def test_an_update_of_something_else_leaves_all_routes_alone(self):
        self.call("PATCH", self.stage(), {"description": "new"})
        self.assertEqual(self.settings(), {"GET /a": THROTTLE})

    def test_an_empty_map_takes_nothing_away(self):
        self.call("PATCH", self.stage(), {"routeSettings": {}})
        self.assertEqual(self.settings(), {"GET /a": THROTTLE})

    def test_a_named_route_has_afterwards_what_was_sent(self):
        self.call("PATCH", self.stage(), {"routeSettings": {"GET /a": {"detailedMetricsEnabled": True}}})
        self.assertEqual(self.settings(), {"GET /a": {"detailedMetricsEnabled": True}})

    def test_a_deletion_takes_away_the_settings_of_one_route_and_finds_them_once(self):
        self.call("PATCH", self.stage(), {"routeSettings": {"POST /a": CLOSED}})
        self.assertEqual(self.call("DELETE", self.stage("/routesettings/POST%20%2Fa")), (204, None))
        self.assertEqual(self.settings(), {"GET /a": THROTTLE})
        status, _ = self.call("DELETE", self.stage("/routesettings/POST%20%2Fa"))
        self.assertEqual((status, self.settings()), (404, {"GET /a": THROTTLE}))

    def test_the_stage_itself_can_still_be_deleted(self):
        self.assertEqual(self.call("DELETE", self.stage())[0], 204)
        self.assertEqual(self.call("GET", self.stage())[0], 404)


if __name__ == "__main__":
    unittest.main()

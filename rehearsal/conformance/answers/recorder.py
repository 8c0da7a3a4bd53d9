"""Listens to a client's answers before and after botocore's parser."""


class Recorder:
    """What one client was answered. It sees the bytes: nothing that a parser drops is missing."""

    def __init__(self, client, judge):
        self.flaws = []
        self.answered = {}
        self._judge = judge
        self._raw = None
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-parse.{service}.*", self._before)
        client.meta.events.register(f"after-call.{service}.*", self._after)

    def _before(self, response_dict, **_):
        # botocore only lends its dictionary.
        self._raw = {**response_dict, "headers": {name.lower(): value for name, value in response_dict["headers"].items()}}

    def _after(self, model, parsed, **_):
        raw, self._raw = self._raw, None
        self.answered.setdefault(model.name, set()).add(parsed.get("Error", {}).get("Code", "OK"))
        self.flaws.extend(self._judge(model, raw, parsed))

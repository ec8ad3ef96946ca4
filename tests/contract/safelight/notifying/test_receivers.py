"""An incident's life told over HTTP to a PagerDuty and a Slack that judge what they get by the published rules.

They stand in for services that cannot be reached from here; what they refuse, those refuse.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from safelight.clock import ManualClock
from safelight.notifying.message import Message
from safelight.notifying.retry import Answered
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store.channels import Access, ChannelKind

from .test_channels import FULL, NOW, PAGERDUTY_EVENT, ROUTING_KEY  # noqa: TID252

LIFE = (
    ("incident.opened", FULL),
    ("incident.held", FULL),
    ("incident.acknowledged", replace(FULL, state="acknowledged", summary="Acknowledged by ann.")),
    ("incident.resolved", replace(FULL, state="resolved", resolved_at=NOW + timedelta(hours=1))),
)


@dataclass
class PagerDuty:
    """Keeps incidents by their key: an acknowledgement or an end of one that is not open changes nothing."""

    incidents: list[dict[str, str]] = field(default_factory=list)

    def take(self, body: bytes) -> int:
        try:
            event: dict[str, Any] = json.loads(body)
            jsonschema.validate(event, PAGERDUTY_EVENT)
        except (ValueError, jsonschema.ValidationError):
            return 400
        open_ones = [each for each in self.incidents if each["state"] != "resolved"]
        known = next((each for each in open_ones if each["key"] == event["dedup_key"]), None)
        match event["event_action"], known:
            case "trigger", None:
                self.incidents.append({"key": event["dedup_key"], "state": "triggered"})
            case "acknowledge", {}:
                known["state"] = "acknowledged"
            case "resolve", {}:
                known["state"] = "resolved"
        return 202


@dataclass
class Slack:
    """Keeps what it shows."""

    shown: list[dict[str, Any]] = field(default_factory=list)

    def take(self, body: bytes) -> int:
        try:
            message: dict[str, Any] = json.loads(body)
            kept = [parsed.to_dict() for each in message["blocks"] if (parsed := Block.parse(each))]
        except (ValueError, KeyError, SlackObjectFormationError):
            return 400
        if kept != message["blocks"]:
            return 400
        self.shown.append(message)
        return 200


@pytest.fixture
def served() -> Iterator[Callable[[Callable[[bytes], int]], str]]:
    """Starts a server that answers with what a function makes of each body; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(take: Callable[[bytes], int]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(take(self.rfile.read(int(self.headers["content-length"]))))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.02}).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def _tell(kind: ChannelKind, url: str, secret: str, *, times: int = 1) -> Iterator[Answered]:
    """The incident's life, each message so many times: delivery is at least once."""
    settings = NotifyingSettings(allow_private_addresses=True)
    sender = Sender(settings, ManualClock(NOW), "https://safelight.example")
    to = Access(UUID(int=1), kind, url, (secret,), "a key of this test")
    for number, (event, facts) in enumerate(LIFE):
        for _ in range(times):
            outcome = sender.send(Message(UUID(int=number), event, facts.opened_at, facts.data()), to)
            assert isinstance(outcome, Answered)
            yield outcome


def test_pagerduty_sees_one_incident_from_its_beginning_to_its_end(
    served: Callable[[Callable[[bytes], int]], str],
) -> None:
    pagerduty = PagerDuty()
    told = _tell(ChannelKind.PAGERDUTY, served(pagerduty.take), ROUTING_KEY, times=2)
    states = [(next(told).status, next(told).status, pagerduty.incidents[0]["state"]) for _ in LIFE]
    assert states == [(202, 202, state) for state in ("triggered", "triggered", "acknowledged", "resolved")]
    assert pagerduty.incidents == [{"key": FULL.dedup_key, "state": "resolved"}]


def test_slack_shows_each_step_with_pictures_while_it_lasts(served: Callable[[Callable[[bytes], int]], str]) -> None:
    slack = Slack()
    url = served(slack.take)
    assert [each.status for each in _tell(ChannelKind.SLACK, "shown", url)] == [200] * len(LIFE)
    words = ["Triggered", "Needs a person", "Acknowledged", "Resolved"]
    assert [each["text"].partition(":")[0] for each in slack.shown] == words
    pictures = [sum(block["type"] == "image" for block in each["blocks"]) for each in slack.shown]
    assert pictures == [3, 3, 3, 0]
    first = next(block for block in slack.shown[0]["blocks"] if block["type"] == "image")
    assert first["image_url"].startswith("https://safelight.example/api/v1/notifications/channels/")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"routing_key": "short", "event_action": "trigger"}'])
def test_what_breaks_the_rules_is_refused_here_too(body: bytes) -> None:
    assert PagerDuty().take(body) == 400
    assert Slack().take(body) == 400


def test_a_slack_refuses_what_is_too_long() -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    assert Slack().take(json.dumps({"text": "x", "blocks": [header]}).encode()) == 400

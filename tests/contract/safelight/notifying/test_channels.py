"""Every kind of channel keeps the same promises, and says what its receivers' published rules allow.

PagerDuty: https://developer.pagerduty.com/docs/send-alert-event, written down here as a schema.
Slack: Block Kit's limits, as Slack's own library checks them.
Alertmanager: its rules for labels and times; tests/integration/notifying has the real one.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from slack_sdk.models.blocks import Block
from standardwebhooks import Webhook

from safelight.errors import SafelightError
from safelight.notifying.addresses import PUBLIC, Reach
from safelight.notifying.facts import Certainty, Facts, Suspect
from safelight.notifying.kinds import KINDS
from safelight.notifying.message import Destination, Message
from safelight.notifying.sending import Request
from safelight.store.channels import ChannelKind

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=3)
IMAGES = tuple(f"0198d0c4-0000-7000-8000-00000000000{number}" for number in range(3))
HOSTILE = "<!channel> & \"quotes\" 'and' 红\n" * 300
ROUTING_KEY = "0123456789abcdef0123456789ABCDEF"
SLACK_URL = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

FULL = Facts(
    incident_id="0198d0c4-0000-7000-8000-0000000000aa",
    dedup_key="studio:default:release-7",
    generator="studio",
    state="triggered",
    title="Version 3 of studio: alignment down",
    monitor="conditional_drift",
    reason="alignment_down",
    summary="Images fit their prompts worse than the baseline's.",
    opened_at=NOON,
    resolved_at=None,
    resolution=None,
    certainty=Certainty(p_value=3.2e-9, threshold=1.1e-5, n=300),
    suspect_version=3,
    suspect_release=Suspect("0198d0c4-0000-7000-8000-0000000000bb", 3, "promote", "ann", NOON - timedelta(hours=1)),
    suggested_target=2,
    worst_images=IMAGES,
    incident="https://safelight.example/incidents/0198d0c4",
    rollback="https://safelight.example/incidents/0198d0c4?rollback=1",
    thumbnails=tuple(f"https://safelight.example/api/v1/generations/{each}/thumbnail" for each in IMAGES),
)
SPARSE = replace(
    FULL,
    summary="",
    certainty=None,
    suspect_version=None,
    suspect_release=None,
    suggested_target=None,
    worst_images=(),
    rollback=None,
    thumbnails=(),
)
OVERLONG = replace(FULL, title=HOSTILE, summary=HOSTILE, dedup_key="k" * 255)
SAID = {"full": FULL, "sparse": SPARSE, "overlong": OVERLONG}
EVENTS = ["incident.opened", "incident.held", "incident.acknowledged", "incident.resolved", "incident.of_the_future"]

# What the documentation of the Events API v2 asks for; what it does not name is refused here.
PAGERDUTY_EVENT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string", "pattern": "^[A-Za-z0-9]{32}$"},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string", "pattern": "^https?://"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["href"],
                "properties": {"href": {"type": "string", "pattern": "^https?://"}, "text": {"type": "string"}},
            },
        },
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["src"],
                "properties": {
                    "src": {"type": "string", "pattern": "^https://"},
                    "href": {"type": "string", "pattern": "^https?://"},
                    "alt": {"type": "string"},
                },
            },
        },
        "payload": {
            "type": "object",
            "additionalProperties": False,
            "required": ["summary", "severity", "source"],
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "timestamp": {"type": "string", "format": "date-time"},
                "severity": {"enum": ["critical", "warning", "error", "info"]},
                "source": {"type": "string", "minLength": 1},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
    },
    "allOf": [
        {
            "if": {"properties": {"event_action": {"const": "trigger"}}},
            "then": {"required": ["payload"]},
            "else": {"required": ["dedup_key"]},
        }
    ],
}


def _check_webhook(request: Request) -> None:
    headers = dict(request.headers)
    document = json.loads(request.body)
    assert set(document) == {"type", "timestamp", "data"}
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = [Webhook(secret).sign(headers["webhook-id"], at, request.body.decode()) for secret in WEBHOOK_SECRETS]
    assert headers["webhook-signature"].split() == expected


def _check_pagerduty(request: Request) -> None:
    jsonschema.validate(json.loads(request.body), PAGERDUTY_EVENT)
    assert len(request.body) < 512 * 1024


def _check_slack(request: Request) -> None:
    document = json.loads(request.body)
    assert 0 < len(document["text"]) <= 40_000
    blocks = document.get("blocks", [])
    assert len(blocks) <= 50
    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        assert parsed.to_dict() == block  # checks the limits, and that nothing is said that Slack does not know
    assert "<!channel>" not in json.dumps([block for block in blocks if block["type"] == "section"])


def _check_alertmanager(request: Request) -> None:
    (alert,) = json.loads(request.body)
    assert set(alert) <= {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    for labels in (alert["labels"], alert["annotations"]):
        assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) and value for name, value in labels.items())
    assert alert["labels"]["alertname"]
    assert datetime.fromisoformat(alert["startsAt"]) <= datetime.fromisoformat(alert["endsAt"])


def _check_heartbeat(request: Request) -> None:
    assert set(json.loads(request.body)) == {"type", "timestamp"}


@dataclass(frozen=True)
class Kind:
    """How a channel of the kind is made, and what its receivers hold a message to."""

    name: ChannelKind
    url: str
    secret: str
    check: Callable[[Request], None]


WEBHOOK_SECRETS = ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ALL = {
    each.name: each
    for each in (
        Kind(ChannelKind.WEBHOOK, "https://hooks.example.com/safelight", "", _check_webhook),
        Kind(ChannelKind.PAGERDUTY, "", ROUTING_KEY, _check_pagerduty),
        Kind(ChannelKind.SLACK, SLACK_URL, "", _check_slack),
        Kind(ChannelKind.ALERTMANAGER, "https://alerts.example.com/", "", _check_alertmanager),
        Kind(ChannelKind.HEARTBEAT, "https://hc.example.com/ping/0198d0c4", "", _check_heartbeat),
    )
}
each_kind = pytest.mark.parametrize("kind", ALL.values(), ids=ALL)


def _destination(kind: Kind, thumbnail: Callable[[str], str] | None = None) -> Destination:
    entered = KINDS[kind.name].enter(kind.url, kind.secret, PUBLIC)
    secrets = WEBHOOK_SECRETS if entered.made_here else (entered.secret,)
    return Destination(UUID(int=1), entered.url, secrets, thumbnail)


def _message(event: str, data: dict[str, Any]) -> Message:
    return Message(UUID(int=7), event, NOON, json.loads(json.dumps(data)))


def _thumbnail(generation_id: str) -> str:
    return f"https://safelight.example/shared/{generation_id}?expires=1&signature=s"


def test_every_kind_is_held_to_the_contract() -> None:
    assert set(ALL) == set(KINDS) == set(ChannelKind)


@each_kind
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("thumbnail", [None, _thumbnail], ids=["inside", "public"])
def test_what_is_said_of_an_incident_is_what_receivers_take(
    kind: Kind, event: str, said: str, thumbnail: Callable[[str], str] | None
) -> None:
    facts = replace(SAID[said], resolved_at=NOW, state="resolved") if event == "incident.resolved" else SAID[said]
    to = _destination(kind, thumbnail)
    request = KINDS[kind.name].request(_message(event, facts.data()), to, NOW)
    kind.check(request)
    assert request == KINDS[kind.name].request(_message(event, facts.data()), to, NOW)


@each_kind
def test_a_test_is_taken_and_said_to_be_one(kind: Kind) -> None:
    data = {"channel": "on call", "message": "This is a test: nothing is wrong."}
    request = KINDS[kind.name].request(_message("channel.test", data), _destination(kind), NOW)
    kind.check(request)
    assert b"test" in request.body


@each_kind
def test_what_an_earlier_release_left_in_the_outbox_is_still_told(kind: Kind) -> None:
    data = FULL.data()
    for newer in ("certainty", "suspect_release", "worst_images"):
        del data[newer]
    kind.check(KINDS[kind.name].request(_message("incident.opened", data), _destination(kind), NOW))


@each_kind
def test_a_secret_is_neither_shown_nor_logged(kind: Kind) -> None:
    entered = KINDS[kind.name].enter(kind.url, kind.secret, PUBLIC)
    to = _destination(kind)
    request = KINDS[kind.name].request(_message("incident.opened", FULL.data()), to, NOW)
    for secret in filter(None, (entered.secret, *to.secrets)):
        assert secret not in f"{entered.url} {entered!r} {to!r} {request!r}"


@each_kind
@pytest.mark.parametrize(
    "url",
    ["https://169.254.169.254/latest", "http://hooks.example.com/", "https://a:hunter2@hooks.example.com/", "x"],
)
def test_an_address_is_checked(kind: Kind, url: str) -> None:
    with pytest.raises(SafelightError) as refusal:
        KINDS[kind.name].enter(url, kind.secret, PUBLIC)
    assert refusal.value.code == "webhook_url_invalid"
    assert "hunter2" not in refusal.value.message


@pytest.mark.parametrize(
    ("kind", "url", "secret"),
    [
        (ChannelKind.WEBHOOK, "https://hooks.example.com/", "mine"),
        (ChannelKind.PAGERDUTY, "", ""),
        (ChannelKind.PAGERDUTY, "", "0123"),
        (ChannelKind.PAGERDUTY, "", ROUTING_KEY + "\n"),
        (ChannelKind.SLACK, SLACK_URL, "xoxb-1"),
        (ChannelKind.ALERTMANAGER, "https://alerts.example.com/api/v2/alerts", ""),
        (ChannelKind.ALERTMANAGER, "https://alerts.example.com", "hunter2"),
        (ChannelKind.HEARTBEAT, "https://hc.example.com/ping", "hunter2"),
    ],
)
def test_what_a_kind_has_no_use_for_is_refused(kind: ChannelKind, url: str, secret: str) -> None:
    with pytest.raises(SafelightError) as refusal:
        KINDS[kind].enter(url, secret, PUBLIC)
    assert refusal.value.code == "channel_invalid"
    assert not secret.strip() or secret.strip() not in refusal.value.message


def test_an_alertmanager_inside_is_reached_where_its_network_is_named() -> None:
    with pytest.raises(SafelightError):
        KINDS[ChannelKind.ALERTMANAGER].enter("http://127.0.0.1:9093", "", PUBLIC)
    assert KINDS[ChannelKind.ALERTMANAGER].enter("http://127.0.0.1:9093/", "", Reach(private=True)).url.endswith("9093")


@pytest.mark.parametrize("facts", SAID.values(), ids=SAID)
def test_facts_come_back_from_the_outbox_as_they_went(facts: Facts) -> None:
    assert Facts.read(json.loads(json.dumps(facts.data()))) == facts


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("incident.opened", "trigger"),
        ("incident.held", "trigger"),
        ("incident.acknowledged", "acknowledge"),
        ("incident.resolved", "resolve"),
    ],
)
def test_pagerduty_follows_an_incident_under_one_key(event: str, action: str) -> None:
    kind = ALL[ChannelKind.PAGERDUTY]
    request = KINDS[kind.name].request(_message(event, FULL.data()), _destination(kind, _thumbnail), NOW)
    told = json.loads(request.body)
    assert (told["event_action"], told["dedup_key"]) == (action, "studio:default:release-7")
    if action == "trigger":
        assert [image["src"] for image in told["images"]] == [_thumbnail(each) for each in IMAGES]
        assert told["payload"]["custom_details"]["how sure"] == "p = 3e-09, alarm below 1e-05, over 300 generations"
        assert told["payload"]["custom_details"]["go back to"] == "version 2"


def test_slack_shows_the_worst_images_and_leads_to_the_fix() -> None:
    kind = ALL[ChannelKind.SLACK]
    request = KINDS[kind.name].request(_message("incident.opened", FULL.data()), _destination(kind, _thumbnail), NOW)
    assert request.url == SLACK_URL
    blocks = json.loads(request.body)["blocks"]
    assert [block["image_url"] for block in blocks if block["type"] == "image"] == [_thumbnail(each) for each in IMAGES]
    (buttons,) = (block["elements"] for block in blocks if block["type"] == "actions")
    assert [button["url"] for button in buttons] == [FULL.incident, FULL.rollback]


def test_slack_is_shown_no_image_that_it_could_not_open() -> None:
    kind = ALL[ChannelKind.SLACK]
    request = KINDS[kind.name].request(_message("incident.opened", FULL.data()), _destination(kind), NOW)
    assert all(block["type"] != "image" for block in json.loads(request.body)["blocks"])


def test_an_alert_keeps_its_labels_from_its_beginning_to_its_end() -> None:
    kind = ALL[ChannelKind.ALERTMANAGER]
    stages = [
        ("incident.opened", FULL),
        ("incident.acknowledged", replace(FULL, state="acknowledged", summary="Acknowledged by ann.")),
        ("incident.resolved", replace(FULL, state="resolved", resolved_at=NOW, resolution="rolled_back")),
    ]
    told = [
        json.loads(KINDS[kind.name].request(_message(event, facts.data()), _destination(kind), NOW).body)[0]
        for event, facts in stages
    ]
    assert told[0]["labels"] == told[1]["labels"] == told[2]["labels"]
    assert datetime.fromisoformat(told[0]["endsAt"]) > NOW
    assert datetime.fromisoformat(told[2]["endsAt"]) == NOW

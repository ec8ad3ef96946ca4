"""Channels over the API: made, tried, rotated, switched off, their dead letters replayed; and who may not."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook

from safelight.access import Role
from safelight.notifying.links import LIFE, ThumbnailLinks
from safelight.store import channels, notifications
from safelight.store.notifications import Attempt, State

from .conftest import CLOCK, Installation  # noqa: TID252
from .test_refusals import refused  # noqa: TID252

CHANNELS = "/api/v1/notifications/channels"
KEY = "0123456789abcdef0123456789abcdef"
SLACK = "https://hooks.slack.com/services/T0/B0/hunter2"


@pytest.fixture
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


@pytest.fixture
def admin(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.ADMIN) as client:
        yield client


def _make(admin: httpx.Client, **wanted: str) -> dict[str, Any]:
    wanted = {"name": str(uuid4()), "url": "https://hooks.example.com/", **wanted}
    made = admin.post(CHANNELS, json=wanted)
    assert made.status_code == 201, made.text
    document: dict[str, Any] = made.json()
    return document


def _actions(admin: httpx.Client, name: str) -> list[str]:
    return [each["action"] for each in admin.get("/api/v1/audit").json()["items"] if each["target"] == name]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ({"kind": "pagerduty", "url": "", "secret": KEY}, "https://events.pagerduty.com/v2/enqueue"),
        ({"kind": "slack", "url": SLACK}, "https://hooks.slack.com/…"),
        ({"kind": "alertmanager", "url": "https://alerts.example.com/"}, "https://alerts.example.com"),
        ({"kind": "heartbeat", "url": "https://hc.example.com/ping/hunter2"}, "https://hc.example.com/…"),
    ],
)
def test_each_kind_is_made_and_its_secret_is_never_shown(
    admin: httpx.Client, wanted: dict[str, str], shown: str
) -> None:
    made = _make(admin, **wanted)
    assert (made["kind"], made["url"], made["secret"]) == (wanted["kind"], shown, None)
    listed = admin.get(CHANNELS).text
    assert KEY not in listed
    assert "hunter2" not in listed


def test_a_rotated_secret_is_shown_once_and_the_previous_one_counts_for_a_while(admin: httpx.Client) -> None:
    made = _make(admin)
    rotated = admin.post(f"{CHANNELS}/{made['id']}/rotate", json={"overlap_hours": 2})
    assert rotated.status_code == 200
    Webhook(rotated.json()["secret"])
    assert rotated.json()["secret"] != made["secret"]
    until = datetime.fromisoformat(rotated.json()["previous_secret_until"]) - CLOCK.now()
    assert timedelta(hours=1.9) < until <= timedelta(hours=2)
    assert rotated.json()["secret"] not in admin.get(CHANNELS).text
    assert _actions(admin, made["name"]) == ["channel.rotate", "channel.create"]
    assert admin.post(f"{CHANNELS}/{made['id']}/rotate").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"kind": "carrier_pigeon"}, "invalid_request"),
        ({"kind": "pagerduty", "secret": "short"}, "channel_invalid"),
        ({"kind": "webhook", "secret": "mine"}, "channel_invalid"),
        ({"kind": "webhook", "url": ""}, "webhook_url_invalid"),
        ({"kind": "slack", "url": "https://169.254.169.254/"}, "webhook_url_invalid"),
        ({"kind": "alertmanager", "url": "http://127.0.0.1:9093"}, "webhook_url_invalid"),
    ],
)
def test_what_no_channel_can_be_is_refused(admin: httpx.Client, wanted: dict[str, str], code: str) -> None:
    before = admin.get(CHANNELS).json()
    asked = {"name": str(uuid4()), "url": "https://hooks.example.com/", **wanted}
    refused(admin.post(CHANNELS, json=asked), 422, code)
    assert admin.get(CHANNELS).json() == before


def _edit(client: httpx.Client, channel: dict[str, Any], **wanted: Any) -> httpx.Response:
    return client.patch(f"{CHANNELS}/{channel['id']}", json={"expected_revision": channel["revision"], **wanted})


def test_a_channel_is_edited_and_its_secret_stays(api: Installation, admin: httpx.Client) -> None:
    made = _make(admin)
    name = str(uuid4())
    edited = _edit(admin, made, name=name, url="https://hooks.example.com/new")
    assert edited.status_code == 200, edited.text
    assert (edited.json()["name"], edited.json()["url"]) == (name, "https://hooks.example.com/new")
    with api.database.reading() as session:
        access = channels.find_access(session, UUID(made["id"]), CLOCK.now())
    assert access is not None
    assert access.secrets == (made["secret"],)
    assert _edit(admin, edited.json(), name=name).json() == edited.json()  # nothing new is no edit
    (said,) = [each for each in admin.get("/api/v1/audit").json()["items"] if each["target"] == name]
    assert said["action"] == "channel.edit"
    assert said["detail"] == f"called {made['name']} before; at https://hooks.example.com/ before"


@pytest.mark.parametrize(
    ("kind", "wanted", "shown", "kept"),
    [
        (
            {"kind": "pagerduty", "url": "", "secret": KEY},
            {"secret": "f" * 32},
            "https://events.pagerduty.com",
            "f" * 32,
        ),
        ({"kind": "pagerduty", "url": "", "secret": KEY}, {"url": "https://events.eu.pagerduty.com/"}, "eu", KEY),
        ({"kind": "slack", "url": SLACK}, {"url": f"{SLACK}2"}, "https://hooks.slack.com/…", f"{SLACK}2"),
        ({"kind": "slack", "url": SLACK}, {"name": "team"}, "https://hooks.slack.com/…", SLACK),
        (
            {"kind": "heartbeat", "url": SLACK},
            {"url": "https://hc.example.com/1"},
            "hc.example.com/…",
            "https://hc.example.com/1",
        ),
        (
            {"kind": "alertmanager", "url": "https://old.example.com"},
            {"url": "https://alerts.example.com/"},
            "https://alerts.example.com",
            "",
        ),
    ],
)
def test_each_kind_keeps_what_is_not_edited(
    api: Installation, admin: httpx.Client, kind: dict[str, str], wanted: dict[str, str], shown: str, kept: str
) -> None:
    made = _make(admin, **kind)
    edited = _edit(admin, made, **wanted)
    assert edited.status_code == 200, edited.text
    assert shown in edited.json()["url"]
    assert edited.json()["revision"] == made["revision"] + 1
    with api.database.reading() as session:
        access = channels.find_access(session, UUID(made["id"]), CLOCK.now())
    assert access is not None
    assert access.secrets == (kept,)
    said = admin.get("/api/v1/audit").text + admin.get(CHANNELS).text
    assert KEY not in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("kind", "wanted", "code"),
    [
        ({}, {"url": "http://127.0.0.1/"}, "webhook_url_invalid"),
        ({}, {"url": ""}, "webhook_url_invalid"),
        ({}, {"url": "https://x.example/" + "x" * 2000}, "invalid_request"),
        ({}, {"secret": "mine"}, "channel_invalid"),
        ({}, {"name": ""}, "invalid_request"),
        ({}, {"kind": "slack"}, "invalid_request"),
        ({}, {"expected_revision": None}, "invalid_request"),
        ({"kind": "slack", "url": SLACK}, {"secret": "mine"}, "channel_invalid"),
        ({"kind": "slack", "url": SLACK}, {"url": "https://169.254.169.254/"}, "webhook_url_invalid"),
        ({"kind": "pagerduty", "url": "", "secret": KEY}, {"secret": "short"}, "channel_invalid"),
        ({"kind": "alertmanager"}, {"url": "https://alerts.example.com/api/v2/alerts"}, "channel_invalid"),
    ],
)
def test_an_edit_is_checked_like_a_new_channel(
    admin: httpx.Client, kind: dict[str, str], wanted: dict[str, Any], code: str
) -> None:
    made = _make(admin, **kind)
    before = admin.get(CHANNELS).json()
    refused(_edit(admin, made, **wanted), 422, code)
    assert admin.get(CHANNELS).json() == before
    assert _actions(admin, made["name"]) == ["channel.create"]


def test_an_edit_is_refused_to_who_may_not_and_to_who_has_not_seen_the_last_one(
    admin: httpx.Client, operator: httpx.Client
) -> None:
    made, other = _make(admin), _make(admin)
    refused(_edit(operator, made, name="mine"), 403, "not_allowed")
    refused(_edit(admin, made, name=other["name"]), 409, "channel_exists")
    refused(_edit(admin, {**made, "id": uuid4()}, name="nobody"), 404, "channel_not_found")
    assert _edit(admin, made, url="https://hooks.example.com/ann").status_code == 200
    refused(_edit(admin, made, url="https://hooks.example.com/ben"), 409, "channel_changed")
    (found,) = [each for each in admin.get(CHANNELS).json()["items"] if each["id"] == made["id"]]
    assert found["url"] == "https://hooks.example.com/ann"


def test_only_what_we_sign_is_rotated(admin: httpx.Client, operator: httpx.Client) -> None:
    made = _make(admin, kind="slack", url=SLACK)
    refused(admin.post(f"{CHANNELS}/{made['id']}/rotate"), 409, "channel_not_signed")
    refused(admin.post(f"{CHANNELS}/{uuid4()}/rotate"), 404, "channel_not_found")
    signed = _make(admin)
    refused(admin.post(f"{CHANNELS}/{signed['id']}/rotate", json={"overlap_hours": 169}), 422, "invalid_request")
    refused(operator.post(f"{CHANNELS}/{signed['id']}/rotate"), 403, "not_allowed")


def test_dead_letters_are_listed_and_sent_again(api: Installation, admin: httpx.Client, operator: httpx.Client) -> None:
    made = _make(admin)
    path = f"{CHANNELS}/{made['id']}"
    told = [operator.post(f"{path}/test").json()["id"] for _ in range(3)]
    now = CLOCK.now()
    with api.database.transaction() as session:
        for each in told:
            attempt = Attempt(now, 1.0, None, "unreachable")
            notifications.record_attempt(session, UUID(each), attempt, State.FAILED)
    query = {"channel_id": made["id"], "state": "failed"}
    listed = operator.get("/api/v1/notifications", params=query).json()["items"]
    assert [each["id"] for each in listed] == told[::-1]
    assert listed[0]["deliveries"][0]["error"] == "unreachable"

    one = operator.post(f"/api/v1/notifications/{told[0]}/replay")
    assert (one.status_code, one.json()["state"]) == (202, "pending")
    refused(operator.post(f"/api/v1/notifications/{told[0]}/replay"), 409, "notification_not_failed")
    rest = operator.post(f"{path}/replay")
    assert (rest.status_code, rest.json()) == (202, {"replayed": 2})
    assert operator.get("/api/v1/notifications", params=query).json()["items"] == []

    assert admin.post(f"{path}/disable").json()["enabled"] is False
    refused(operator.post(f"{path}/test"), 409, "channel_disabled")
    refused(operator.post(f"{path}/replay"), 409, "channel_disabled")
    assert _actions(admin, made["name"]) == ["channel.disable", "channel.replay", "channel.create"]


def test_a_signed_link_opens_one_image_for_a_week_and_needs_no_key(
    api: Installation, admin: httpx.Client, operator: httpx.Client
) -> None:
    made = _make(admin, kind="slack", url=SLACK)
    first, second = (
        operator.post("/api/v1/generations", json={"generator": "sprites", "prompt": "a fox"}).json()["items"][0]["id"]
        for _ in range(2)
    )
    while api.ship():
        pass
    now = CLOCK.now()
    with api.database.reading() as session:
        access = channels.find_access(session, UUID(made["id"]), now)
    assert access is not None

    def link(generation_id: str, at: datetime = now) -> str:
        return ThumbnailLinks(api.url, access.channel_id, access.link_key, at)(generation_id)

    with httpx.Client(trust_env=False) as anybody:
        image = anybody.get(link(first))
        # Slack shows PNG, JPEG and GIF, and refuses a message that leads to anything else.
        assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
        thumbnail = operator.get(f"/api/v1/generations/{first}/thumbnail").content
        assert Image.open(io.BytesIO(image.content)).size == Image.open(io.BytesIO(thumbnail)).size
        refused(anybody.get(link(first).replace(first, second)), 403, "link_invalid")
        refused(anybody.get(link(first, now - LIFE)), 403, "link_invalid")
        refused(anybody.get(link(first).replace("signature=", "signature=0")), 403, "link_invalid")
        refused(anybody.get(link(str(uuid4()))), 404, "image_not_found")
        admin.post(f"{CHANNELS}/{made['id']}/disable")
        refused(anybody.get(link(first)), 403, "link_invalid")

"""Images in a message are worth less than the message."""

import json
from typing import Any, Protocol
from uuid import uuid4

import pytest

from safelight.clock import ManualClock
from safelight.notifying.message import Message
from safelight.notifying.retry import Answered
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store.channels import Access, ChannelKind

INCIDENT: dict[str, Any] = {
    "incident_id": str(uuid4()),
    "dedup_key": "studio:default:release-7",
    "generator": "studio",
    "state": "triggered",
    "title": "Version 3 of studio: alignment down",
    "monitor": "release_comparison",
    "reason": "alignment_down",
    "summary": "Images fit their prompts worse.",
    "opened_at": "2026-11-23T12:00:00+00:00",
    "worst_images": [str(uuid4()) for _ in range(3)],
    "links": {"incident": "https://safelight.example/incidents/0198d0c4"},
}


class Receiver(Protocol):
    url: str
    statuses: list[int]
    requests: list[tuple[dict[str, str], bytes]]


@pytest.mark.parametrize(("statuses", "answered"), [([400, 200], 200), ([400, 404], 404)])
def test_slack_refuses_images_it_cannot_fetch_and_is_told_without_them(
    receiver: Receiver, clock: ManualClock, statuses: list[int], answered: int
) -> None:
    receiver.statuses = statuses
    outcome = _send(receiver, clock, INCIDENT)
    assert outcome == Answered(answered)
    first, second = (json.loads(body) for _, body in receiver.requests)
    assert [each["type"] for each in first["blocks"]].count("image") == 3
    assert second["blocks"] == [each for each in first["blocks"] if each["type"] != "image"]


def test_a_message_without_images_is_refused_once(receiver: Receiver, clock: ManualClock) -> None:
    receiver.statuses = [400]
    assert _send(receiver, clock, INCIDENT | {"worst_images": []}) == Answered(400)
    assert len(receiver.requests) == 1


def _send(receiver: Receiver, clock: ManualClock, told: dict[str, Any]) -> object:
    settings = NotifyingSettings(allow_private_addresses=True)
    sender = Sender(settings, clock, public_url="https://safelight.example")
    to = Access(uuid4(), ChannelKind.SLACK, "", (receiver.url,), "a key for links")
    return sender.send(Message(uuid4(), "incident.opened", clock.now(), told), to)

"""Tokens of links that roll back: made by one key, for one change, and nothing else."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.notifying.message import Message
from safelight.notifying.rollback_links import Claim, RollbackLinks, is_genuine, read, seal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNEL, MESSAGE, INCIDENT = (UUID(int=n) for n in (1, 2, 3))
KEY = "the channel's own key"
CLAIM = Claim(CHANNEL, MESSAGE, INCIDENT, "studio", serving=2, target=1, expires=1_800_000_000)
DATA = {
    "incident_id": str(INCIDENT),
    "dedup_key": "studio:default:release-3",
    "generator": "studio",
    "state": "triggered",
    "title": "Version 2 of studio: alignment down",
    "monitor": "release_comparison",
    "reason": "alignment_down",
    "summary": "images fit their prompts worse",
    "opened_at": NOW.isoformat(),
    "suspect_version": 2,
    "suggested_target": 1,
    "links": {"incident": "https://a.example/incidents/3", "rollback": "https://a.example/incidents/3?rollback=1"},
}


def link(data: dict[str, object], life: timedelta = timedelta(hours=1), url: str = "https://a.example") -> str:
    message = Message(MESSAGE, "incident.opened", NOW, data)
    told = RollbackLinks(url, life).put_into(message, CHANNEL, KEY, NOW)
    return str(told.data["links"]["rollback"])


def test_a_message_with_a_way_back_carries_a_link_whose_token_no_server_sees() -> None:
    before, _, token = link(DATA).partition("#")
    assert before == "https://a.example/rollback"
    assert read(token) == replace(CLAIM, expires=int((NOW + timedelta(hours=1)).timestamp()))
    assert is_genuine(KEY, token)


@pytest.mark.parametrize(
    "changed",
    [
        {"suggested_target": None, "links": DATA["links"] | {"rollback": None}},  # type: ignore[operator]  # a dict
        {"suspect_version": None},
        {"resolved_at": NOW.isoformat()},
    ],
)
def test_without_a_way_back_there_is_no_token(changed: dict[str, object]) -> None:
    assert "#" not in link(DATA | changed)


def test_where_links_cannot_be_opened_or_are_not_wanted_they_lead_to_the_incident() -> None:
    assert link(DATA, url="") == link(DATA, life=timedelta(0)) == "https://a.example/incidents/3?rollback=1"


def test_a_test_message_is_left_as_it_is() -> None:
    message = Message(MESSAGE, "channel.test", NOW, {"message": "hello"})
    assert RollbackLinks("https://a.example", timedelta(hours=1)).put_into(message, CHANNEL, KEY, NOW) is message


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_token_with_anything_changed_is_not_genuine(place: int, change: int) -> None:
    token = seal(KEY, CLAIM)
    content, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    whole = bytearray(content + signature)
    whole[place % len(whole)] ^= change
    forged = ".".join(
        base64.urlsafe_b64encode(bytes(part)).rstrip(b"=").decode()
        for part in (whole[: len(content)], whole[len(content) :])
    )
    assert not is_genuine(KEY, forged)


def test_another_key_or_none_makes_no_genuine_token() -> None:
    assert not is_genuine("another", seal(KEY, CLAIM))
    assert not is_genuine("", seal("", CLAIM))


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".x"))
def test_what_is_no_token_is_read_as_none(text: str) -> None:
    assert read(text) is None
    assert not is_genuine(KEY, text)


@pytest.mark.parametrize("told", [{"serving": True}, {"target": "1"}, {"nonce": "x"}, {"expires": None}])
def test_a_claim_of_other_types_is_none(told: dict[str, object]) -> None:
    known = {"channel_id": str(CHANNEL), "nonce": str(MESSAGE), "incident_id": str(INCIDENT), "generator": "studio"}
    content = json.dumps(known | {"serving": 2, "target": 1, "expires": 1} | told).encode()
    assert read(f"{base64.urlsafe_b64encode(content).decode()}.x") is None

"""Logging in by a one-time link, and what a browser's session may do."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from safelight.access import Role
from safelight.api.routes import stream
from safelight.store import access

from .conftest import CLOCK, Installation  # noqa: TID252

SESSION = "/api/v1/session"


@pytest.fixture
def browser(api: Installation) -> Iterator[httpx.Client]:
    """Sends cookies back, and no key."""
    with httpx.Client(base_url=api.url, trust_env=False) as client:
        yield client


@pytest.fixture
def link(api: Installation) -> str:
    return _link(api, Role.OPERATOR)


def test_a_link_opens_one_session(browser: httpx.Client, api: Installation, link: str) -> None:
    opened = browser.post(SESSION, json={"token": link})
    assert opened.json() == {"name": "ann", "role": "operator"}
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert browser.get(SESSION).json()["name"] == "ann"
    with httpx.Client(base_url=api.url, trust_env=False) as second:
        refused = second.post(SESSION, json={"token": link})
    assert (refused.status_code, refused.json()["code"]) == (401, "login_refused")


def test_a_link_expires(browser: httpx.Client, api: Installation) -> None:
    with api.database.transaction() as session:
        token = access.create_login_link(session, "ann", Role.ADMIN, CLOCK.now() - timedelta(seconds=1))
    assert browser.post(SESSION, json={"token": token}).json()["code"] == "login_refused"


def test_a_key_opens_a_session_that_ends_with_it(browser: httpx.Client, api: Installation) -> None:
    with api.database.transaction() as session:
        key, secret = access.create_key(session, "laptop", Role.VIEWER, CLOCK.now())
    assert browser.post(SESSION, json={"key": secret}).json() == {"name": "laptop", "role": "viewer"}
    with api.database.transaction() as session:
        access.revoke_key(session, key.id, CLOCK.now())
    assert browser.get(SESSION).status_code == 401


def test_a_cookie_alone_changes_nothing(browser: httpx.Client, link: str) -> None:
    browser.post(SESSION, json={"token": link})
    ask = {"generator": "sprites", "expected_serving": 9}
    forged = browser.post("/api/v1/releases/rollback", json=ask)
    assert (forged.status_code, forged.json()["code"]) == (403, "page_header_missing")
    meant = browser.post("/api/v1/releases/rollback", json=ask, headers={"X-Safelight": "1"})
    assert meant.json()["code"] == "stale_expected_serving"


def test_logging_out_ends_the_session(browser: httpx.Client, link: str) -> None:
    browser.post(SESSION, json={"token": link})
    cookies = dict(browser.cookies)
    assert browser.delete(SESSION, headers={"X-Safelight": "1"}).status_code == 204
    browser.cookies.update(cookies)  # whoever kept the cookie gets nothing for it
    assert browser.get(SESSION).status_code == 401


@pytest.mark.parametrize("body", [{}, {"token": "a", "key": "b"}, {"token": "login_guess"}, {"key": "sl_guess"}])
def test_a_login_that_is_none(browser: httpx.Client, body: dict[str, str]) -> None:
    refused = browser.post(SESSION, json=body)
    assert refused.status_code in {401, 422}
    assert not browser.cookies
    assert "guess" not in refused.text


def test_a_key_is_shown_once_and_never_again(api: Installation) -> None:
    with api.client(Role.ADMIN) as admin:
        made = admin.post("/api/v1/keys", json={"name": "ci", "role": "client"}).json()
        listed = admin.get("/api/v1/keys").text
    assert made["secret"].startswith("sl_")
    assert made["secret"] not in listed
    with httpx.Client(base_url=api.url, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {made['secret']}"
        assert client.post("/api/v1/generations", json={"generator": "sprites", "prompt": "a cat"}).is_success
        assert client.get("/api/v1/generations").status_code == 403


def _link(api: Installation, role: Role) -> str:
    with api.database.transaction() as session:
        return access.create_login_link(session, "ann", role, CLOCK.now() + timedelta(minutes=5))


def test_an_open_stream_ends_with_its_session(
    browser: httpx.Client, api: Installation, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_POLL_SECONDS", 0.02)
    browser.post(SESSION, json={"token": link})
    with browser.stream("GET", "/api/v1/stream") as events:
        lines = events.iter_lines()
        assert next(lines) == "event: status"
        assert browser.delete(SESSION, headers={"X-Safelight": "1"}).status_code == 204
        for _ in lines:
            pass
    assert browser.get("/api/v1/stream").status_code == 401

"""Getting in: by a link that works once, or by a key; and back to where one wanted to go."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, Studio

pytestmark = pytest.mark.timeout(600)

nobody = pytest.mark.parametrize("desk", [{"role": None}], indirect=True)


@nobody
def test_a_link_logs_in_once_and_leaves_no_token_behind(desk: Desk, studio: Studio) -> None:
    link = urlsplit(studio.running.cli("login", "--role", "operator").strip())
    page = desk.open(f"{link.path}#{link.fragment}")
    expect(page).to_have_url(studio.url + "/")
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    assert "token" not in page.evaluate("JSON.stringify(history.state) + location.href")

    desk.context.clear_cookies()
    again = desk.open(f"{link.path}#{link.fragment}")
    expect(again.get_by_role("alert")).to_contain_text("safelight login")


@nobody
def test_a_key_leads_back_to_the_page_that_was_wanted(desk: Desk, studio: Studio) -> None:
    page = desk.open("/versions/1?range=6h")
    expect(page).to_have_url(f"{studio.url}/login?next=%2Fversions%2F1%3Frange%3D6h")
    page.get_by_label("API key").fill("not a key")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("login_refused")
    page.get_by_label("API key").fill(studio.keys["viewer"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(studio.url + "/versions/1?range=6h")
    expect(page.get_by_role("heading", level=1)).to_have_text("v1")


@nobody
def test_a_login_never_leads_to_another_site(desk: Desk, studio: Studio) -> None:
    page = desk.open("/login?next=//example.com/")
    page.get_by_label("API key").fill(studio.keys["viewer"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(studio.url + "/")


def test_logging_out_ends_the_session(desk: Desk, studio: Studio) -> None:
    page = desk.open("/")
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page).to_have_url(studio.url + "/login")
    assert desk.context.request.get("/api/v1/session").status == 401


@pytest.mark.parametrize("desk", [{"role": "client"}], indirect=True)
def test_a_key_that_only_makes_images_is_told_so(desk: Desk) -> None:
    page = desk.open("/")
    expect(page.get_by_text("This key makes images; it does not read them")).to_be_visible()

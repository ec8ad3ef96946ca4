"""Who is told, edited on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, Studio

CHANNELS = "/api/v1/notifications/channels"


@pytest.mark.parametrize("desk", [{"role": "admin"}], indirect=True)
def test_a_channel_is_edited_and_nobody_overwrites_what_they_have_not_seen(desk: Desk, studio: Studio) -> None:
    made = studio.client.post(CHANNELS, json={"name": "on-call", "url": "https://hooks.example.com/a"}).json()
    page = desk.open("/settings/notifications")
    page.get_by_role("button", name="Edit of on-call").click()
    dialog = page.get_by_role("dialog", name="Edit on-call")
    dialog.get_by_label("Address").fill("https://hooks.example.com/b")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="hooks.example.com/b")).to_be_visible()
    expect(dialog).to_have_count(0)

    page.get_by_role("button", name="Edit of on-call").click()
    elsewhere = {"expected_revision": 2, "url": "https://hooks.example.com/c"}
    assert studio.client.patch(f"{CHANNELS}/{made['id']}", json=elsewhere).is_success
    dialog.get_by_label("Name").fill("nights")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("has been edited since you looked")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("row").filter(has_text="hooks.example.com/c")).to_be_visible()
    assert studio.client.post(f"{CHANNELS}/{made['id']}/disable").is_success

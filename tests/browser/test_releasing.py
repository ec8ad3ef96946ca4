"""Changing what serves, from the page. These tests tell one day, in order: each begins where the one before ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, Studio

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("desk", [{"role": "viewer"}], indirect=True)
def test_a_viewer_sees_the_way_back_and_may_not_take_it(desk: Desk) -> None:
    page = desk.open("/versions")
    expect(page.get_by_text("operators only").first).to_be_visible()
    page.get_by_role("button", name="Roll back to v1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your key may look, not act.")
    expect(dialog.get_by_role("button", name="Roll back to v1")).to_be_disabled()


def test_the_dialog_states_the_consequence_and_keeps_to_its_target(desk: Desk, studio: Studio) -> None:
    page = desk.open("/")
    page.get_by_role("button", name="Roll back to v1").click()
    dialog = page.get_by_role("dialog", name="Roll back studio to v1")
    expect(dialog).to_contain_text("v1 is known good")
    expect(dialog).to_contain_text("being made right now")
    expect(dialog.get_by_role("button", name="Roll back to v1")).to_be_enabled()
    # Meanwhile somebody else is quicker.
    answer = studio.client.post("/api/v1/releases/rollback", json={"generator": "studio", "expected_serving": 2})
    assert answer.status_code == 202
    studio.wait_until_serving(1)
    expect(dialog).to_contain_text("What serves has changed")
    expect(dialog).to_contain_text("v1 serves now")
    expect(dialog.get_by_role("button", name="Roll back to v1")).to_be_disabled()


def test_a_promote_is_typed_and_its_steps_are_watched_through_a_reload(desk: Desk, studio: Studio) -> None:
    page = desk.open("/versions")
    page.get_by_role("button", name="Promote to v2").click()
    dialog = page.get_by_role("dialog", name="Promote studio to v2")
    confirm = dialog.get_by_role("button", name="Promote to v2")
    dialog.get_by_label("Reason").fill("back to the better one")
    expect(confirm).to_be_disabled()
    dialog.get_by_label(re.compile("Type v2")).fill("v2")
    confirm.click()
    expect(page).to_have_url(re.compile("/releases/[0-9a-f-]{36}"))
    expect(page.get_by_text("Asked for", exact=True).first).to_be_visible()
    page.reload()
    progress = page.get_by_role("region", name="Progress")
    expect(progress).to_contain_text("v2 serves all requests", timeout=90_000)
    expect(page.get_by_role("region", name="Release", exact=True)).to_contain_text("back to the better one")
    studio.wait_until_serving(2)
    expect(page.get_by_role("button", name="Accept v2 as known good")).to_be_visible()
    page.get_by_role("button", name="Accept v2 as known good").click()
    expect(page.get_by_role("button", name="Accept v2 as known good")).to_have_count(0)


@pytest.mark.parametrize("desk", [{"phone": True, "scheme": "dark"}], indirect=True)
def test_from_an_alerts_link_to_the_good_version_in_one_confirm(desk: Desk, studio: Studio, incident: UUID) -> None:
    page = desk.open(f"/incidents/{incident}?rollback=1")
    dialog = page.get_by_role("dialog", name="Roll back studio to v1")
    expect(dialog.get_by_label("Reason")).to_have_value("Version 2 of studio: alignment down")
    expect(page).to_have_url(f"{studio.url}/incidents/{incident}")
    dialog.get_by_role("button", name="Roll back to v1").click()
    expect(page.get_by_role("region", name="Progress")).to_contain_text("v1 serves all requests", timeout=90_000)
    expect(page.get_by_role("region", name="Release", exact=True)).to_contain_text("The incident it answers")
    ledger = studio.get("/api/v1/ledger", generator="studio")["items"]
    newest = next(entry for entry in ledger if entry["kind"] != "accept")
    assert (newest["kind"], newest["from_version"], newest["to_version"]) == ("rollback", 2, 1)
    assert newest["incident_id"] == str(incident)


def test_an_incident_is_taken_talked_about_and_resolved(desk: Desk, studio: Studio, incident: UUID) -> None:
    page = desk.open(f"/incidents/{incident}")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.get_by_label("Comment").fill("the colours are off")
    page.keyboard.press("Enter")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("the colours are off")
    page.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog", name="Resolve by hand")
    dialog.get_by_label("What was found").fill("a bad export")
    dialog.get_by_role("button", name="Resolve").click()
    expect(timeline).to_contain_text("a bad export")
    assert studio.get(f"/api/v1/incidents/{incident}")["state"] == "resolved"
    page.get_by_role("link", name=re.compile("^Incidents")).first.click()
    expect(page.get_by_text("Nothing needs attention")).to_be_visible()


@pytest.mark.parametrize("desk", [{"role": "admin"}], indirect=True)
def test_a_key_is_shown_once(desk: Desk) -> None:
    page = desk.open("/settings/keys")
    page.get_by_label("Name").fill("a shop")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog", name="The key a shop")
    secret = dialog.locator("code").inner_text()
    assert secret.startswith("sl")
    dialog.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("row", name=re.compile("a shop"))).to_be_visible()
    assert secret not in page.content()

"""Changing what serves, from the page. These tests tell one day, in order: each begins where the one before ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import expect

from safelight.clock import SystemClock
from safelight.ids import new_id
from safelight.notifying.rollback_links import Claim, seal
from safelight.store import channels, incidents
from safelight.store.channels import ChannelKind

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


@pytest.mark.parametrize("desk", [{"role": "admin"}], indirect=True)
def test_the_way_past_the_gates_is_offered_once_one_of_them_has_failed(desk: Desk, studio: Studio) -> None:
    for policy, said, offered in (
        ({"paired_probes": {}}, "What is pending is made once it is asked for", 0),
        ({"approvals": 1}, "Approve v2 for somebody else to promote", 1),
    ):
        assert studio.client.put("/api/v1/gates/studio", json=policy).is_success
        page = desk.open("/versions")
        page.get_by_role("button", name="Promote to v2").click()
        dialog = page.get_by_role("dialog", name="Promote studio to v2")
        expect(dialog).to_contain_text(said)
        expect(dialog.get_by_label("Override")).to_have_count(offered)
    assert studio.client.put("/api/v1/gates/studio", json={}).is_success


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


def test_a_canary_is_watched_paused_and_called_off(desk: Desk, studio: Studio) -> None:
    steps = [{"weight": 20, "shadow": 10, "bake_seconds": 600}, {"weight": 50}]
    asked_for = {"generator": "studio", "version": 1, "reason": "try it on a few", "canary": {"steps": steps}}
    release = studio.client.post("/api/v1/releases/promote", json=asked_for).json()
    page = desk.open(f"/releases/{release['id']}")
    panel = page.get_by_role("region", name="Canary")
    expect(panel.get_by_role("definition").first).to_have_text("20 %", timeout=120_000)
    for verb, said in (("Pause", "The canary waits for a person"), ("Abort", "Called off; what served goes on")):
        panel.get_by_role("button", name=verb).click()
        asked = page.get_by_role("dialog")
        asked.get_by_label("Reason").fill("that is enough")
        asked.get_by_role("button", name=verb).click()
        expect(page.get_by_text(said)).to_be_visible()
    expect(panel.get_by_role("button", name="Try again")).to_be_visible()
    studio.wait_until_serving(2)


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
    page.get_by_label("Severity").select_option("high")
    expect(timeline).to_contain_text("Severity high; it was critical.")
    page.get_by_role("button", name="let go").click()
    expect(timeline).to_contain_text("Nobody owns it now.")
    page.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog", name="Resolve by hand")
    dialog.get_by_label("What was found").fill("a bad export")
    dialog.get_by_role("button", name="Resolve").click()
    expect(timeline).to_contain_text("a bad export")
    page.get_by_role("region", name="Was the alarm right?").get_by_role("button", name="Right").click()
    expect(timeline).to_contain_text("A right alarm.")
    assert studio.get(f"/api/v1/incidents/{incident}")["state"] == "resolved"
    page.get_by_role("link", name=re.compile("^Incidents")).first.click()
    expect(page.get_by_text("Nothing needs attention")).to_be_visible()


@pytest.mark.parametrize("desk", [{"role": "admin"}], indirect=True)
def test_what_caused_an_incident_comes_back_by_an_override_that_every_page_shows(desk: Desk, studio: Studio) -> None:
    page = desk.open("/versions")
    page.get_by_role("button", name="Promote to v2").click()
    dialog = page.get_by_role("dialog", name="Promote studio to v2")
    expect(dialog).to_contain_text("It is in quarantine since")
    dialog.get_by_label("Reason").fill("the alarm was wrong")
    dialog.get_by_label(re.compile("Type v2")).fill("v2")
    confirm = dialog.get_by_role("button", name="Promote to v2")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Override").fill("the export was fine, the probe set was not")
    confirm.click()
    expect(page.get_by_role("region", name="Progress")).to_contain_text("v2 serves all requests", timeout=90_000)
    expect(page.get_by_role("region", name="Gates")).to_contain_text("passed over by override")
    studio.wait_until_serving(2)
    page.get_by_role("link", name="Monitors").first.click()
    expect(page.get_by_text("v2 serves by override: quarantine not passed")).to_be_visible()
    page.get_by_role("link", name="The release and its gates").click()
    page.get_by_role("button", name="Accept v2 as known good").click()
    expect(page.get_by_text("v2 serves by override")).to_have_count(0)


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


def test_while_the_guard_is_stopped_every_page_says_so(desk: Desk, studio: Studio) -> None:
    page = desk.open("/settings/policy")
    page.get_by_label("Reason").fill("we are moving house")
    page.get_by_role("button", name="Stop what is automatic").click()
    for path in ("/settings/policy", "/", "/incidents"):
        page = desk.open(path)
        expect(page.get_by_text("What is automatic is stopped, for every generator")).to_be_visible()
        expect(page.get_by_text("we are moving house")).to_be_visible()
    page.get_by_role("button", name="Let the guard act again").click()
    page.get_by_role("dialog", name="Let the guard act again?").get_by_role("button", name="Let it act").click()
    expect(page.get_by_text("What is automatic is stopped, for every generator")).to_have_count(0)
    assert studio.get("/api/v1/guard")["stopped"] is False


@pytest.mark.parametrize("desk", [{"role": None, "phone": True}], indirect=True)
def test_a_messages_link_changes_nothing_until_its_button_is_pressed(desk: Desk, studio: Studio) -> None:
    asked = {"generator": "studio", "version": 2, "override": "once more"}
    reply = studio.client.post("/api/v1/releases/promote", json=asked)
    assert reply.is_success or reply.json()["code"] == "already_serving"
    studio.wait_until_serving(2)
    token = _link(studio)
    before = len(studio.get("/api/v1/ledger", generator="studio")["items"])
    page = desk.open(f"/rollback#{token}")
    button = page.get_by_role("button", name="Roll studio back to v1")
    expect(button).to_be_visible()
    expect(page).to_have_url(f"{studio.url}/rollback")
    assert len(studio.get("/api/v1/ledger", generator="studio")["items"]) == before
    button.click()
    expect(page.get_by_text("Rolled back to v1")).to_be_visible()
    studio.wait_until_serving(1)
    again = desk.open(f"/rollback#{token}")
    expect(again.get_by_text("This link has been used: it works once.")).to_be_visible()
    expect(again.get_by_role("button", name="Roll studio back to v1")).to_have_count(0)


def _link(studio: Studio) -> str:
    """The token of a message about an incident of version 2."""
    now, database = SystemClock().now(), studio.database
    with database.transaction() as session:
        channel = channels.add(session, "pager", ChannelKind.WEBHOOK, "https://pager.example", "secret", "key", now)
        opened = incidents.open_incident(
            session,
            generator="studio",
            dedup_key="browser-tests-link",
            title="Version 2 of studio: blank rate up",
            monitor="blank_rate",
            reason="blank_rate_up",
            verdict_id=None,
            suspect_version=2,
            suspect_release_id=None,
            suggested_target=1,
            evidence={},
            now=now,
        )
    database.dispose()
    expires = int(now.timestamp()) + 600
    claim = Claim(channel.id, new_id(), opened.id, "studio", serving=2, target=1, expires=expires)
    return seal("key", claim)

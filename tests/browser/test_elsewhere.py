"""What others do is seen on the page: edits of the registry, and what each scope should and does serve."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from registry.reconciling import Change, Edit, Outcome, Remedy
from safelight.ids import new_id
from safelight.store import reconciling

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, Studio

pytestmark = pytest.mark.timeout(600)


def test_an_edit_of_the_registry_and_what_became_of_it(desk: Desk, studio: Studio) -> None:
    edit, now = Edit(Change.ALIAS_MOVED, 2, 1), datetime.now(UTC)
    with studio.database.transaction() as session:
        finding = reconciling.notice(session, "studio", edit, Remedy.PUT_BACK, str(edit), now)
        reconciling.tell(session, finding.id, new_id())  # of an incident that is none: nobody is to be woken
        reconciling.settle(session, finding.id, Outcome.PUT_BACK, now)
    page = desk.open("/releases?tab=registry")
    expect(page.get_by_role("radio", name="Put back")).to_be_checked()
    expect(page.get_by_role("table", name="Edits of the registry")).to_contain_text("from version 2 to version 1")
    page.get_by_role("radio", name="Adopt").click()
    expect(page.get_by_role("radio", name="Adopt")).to_be_checked()
    assert studio.get("/api/v1/registry/studio")["policy"] == "adopt"
    page.get_by_role("radio", name="Put back").click()
    expect(page.get_by_role("radio", name="Put back")).to_be_checked()


def test_each_scope_says_what_should_serve_and_what_was_seen_to(desk: Desk, studio: Studio) -> None:
    named = {"scopes": [{"name": "default", "bake_seconds": 86_400}, {"name": "eu"}]}
    studio.client.put("/api/v1/scopes/studio", json=named).raise_for_status()
    try:
        page = desk.open("/releases?tab=scopes")
        rows = page.get_by_role("table", name="Scopes").get_by_role("row")
        expect(rows.nth(1)).to_contain_text("default bakes 86400 s")
        expect(rows.nth(1)).to_contain_text(f"version {studio.serving()}")
        expect(rows.nth(2)).to_contain_text("eu")
        expect(rows.nth(2)).to_contain_text("not observed")
    finally:
        studio.client.put("/api/v1/scopes/studio", json={"scopes": [{"name": "default"}]}).raise_for_status()

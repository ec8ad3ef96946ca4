"""The registry's edits and their policy, over HTTP and from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.reconciling import Change, Edit, Outcome, Remedy
from safelight.access import Role
from safelight.cli import app
from safelight.store import reconciling
from tests.integration.api.conftest import CLOCK, Installation


def test_edits_and_what_became_of_them_are_listed_and_the_policy_is_an_operators_to_set(api: Installation) -> None:
    edit, now = Edit(Change.ALIAS_MOVED, 1, 2), CLOCK.now()
    with api.database.transaction() as session:
        reconciling.put_look(session, "sprites", now, 1)
        first = reconciling.notice(session, "sprites", edit, Remedy.PUT_BACK, str(edit), now)
        reconciling.settle(session, first.id, Outcome.PUT_BACK, now)
        reconciling.notice(session, "sprites", edit, Remedy.PUT_BACK, str(edit), now)
    with api.client(Role.OPERATOR) as operator, api.client(Role.VIEWER) as viewer:
        state = viewer.get("/api/v1/registry/sprites").json()
        found = viewer.get("/api/v1/registry/sprites/findings", params={"limit": 1}).json()
        older = viewer.get("/api/v1/registry/sprites/findings", params={"before": found["next"]}).json()["items"]
        stopped_by = operator.post("/api/v1/guard/stop", json={"reason": "hands off"}).json()["by"]
        held = viewer.get("/api/v1/registry/sprites/findings").json()["items"]
        operator.post("/api/v1/guard/resume", json={})
        refused = viewer.put("/api/v1/registry/sprites/policy", json={"policy": "adopt"})
        invalid = operator.put("/api/v1/registry/sprites/policy", json={"policy": "ignore"})
        unknown = operator.put("/api/v1/registry/nobody/policy", json={"policy": "adopt"})
        unchanged = viewer.get("/api/v1/registry/sprites").json()["policy"]
        set_to = operator.put("/api/v1/registry/sprites/policy", json={"policy": "adopt"}).json()
        changed = viewer.get("/api/v1/registry/sprites").json()["policy"]
    assert [(each["change"], each["version"], each["found"]) for each in state["standing"]] == [("alias_moved", 1, 2)]
    assert state["looked_at"] is not None
    assert [each["outcome"] for each in (*found["items"], *older)] == [None, "put_back"]
    assert [each["held_by"] for each in (*held, *state["standing"])] == [stopped_by, None, None]
    assert [answer.status_code for answer in (refused, invalid, unknown)] == [403, 422, 404]
    assert (unchanged, set_to, changed) == ("put_back", {"policy": "adopt"}, "adopt")


def test_the_same_from_the_command_line(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    run = CliRunner()
    assert run.invoke(app, ["register-external", "portraits", "portraits:1"]).exit_code == 0
    assert run.invoke(app, ["registry", "policy", "portraits"]).stdout.strip() == "put_back"
    assert run.invoke(app, ["registry", "policy", "portraits", "adopt"]).stdout.strip() == "adopt"
    listed = run.invoke(app, ["registry", "findings", "portraits"])
    assert (listed.exit_code, "not looked at yet" in listed.output) == (0, True)
    assert run.invoke(app, ["registry", "policy", "nobody"]).exit_code == 1

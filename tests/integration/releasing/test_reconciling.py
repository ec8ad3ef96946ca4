"""Edits made in the registry behind our back: noticed, written down, and put back, adopted, or left to a person."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.external import parse_external
from registry.fakes import FolderVersionStore, write_checkpoint
from registry.ledger import EntryKind
from registry.progress import State
from registry.reconciling import Change, EditPolicy, Outcome, Remedy
from registry.rules import UnknownTarget
from registry.versions import Standing, StoreUnavailable
from safelight.clock import ManualClock
from safelight.ids import new_id
from safelight.notifying import making
from safelight.notifying.addresses import PUBLIC
from safelight.releasing.reconciling import Reconciler
from safelight.releasing.registration import Registration
from safelight.releasing.scoping import set_scopes
from safelight.releasing.service import Releasing
from safelight.responding import stopping
from safelight.responding.announcement import Links
from safelight.responding.registry_edits import RegistryEdits
from safelight.store import access, incidents, ledger, notifications, reconciling, releases, versions
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import Resolution
from safelight.store.reconciling import Finding

from .conftest import NOON, SetEngine  # noqa: TID252
from .test_registry import MANIFEST  # noqa: TID252

GENERATOR = "portraits"


class Leads:
    leading = True

    def held(self) -> bool:
        return self.leading


@dataclass
class Stage:
    """Three versions, of which 1 is known good and 2 serves; the second is our own, so that a release of it waits."""

    database: Database
    store: FolderVersionStore
    root: Path
    clock: ManualClock
    releasing: Releasing
    leads: Leads

    def look(self) -> int:
        self.clock.advance(10)
        return Reconciler(self.database, self.store, self.releasing, self.leads, self.clock).run_once()

    def tell(self) -> int:
        links = Links("https://safelight.example")
        return RegistryEdits(self.database, self.leads, links, self.clock).run_once()

    def delete(self, number: int) -> Path:
        """As MLflow does it: the alias goes with the version."""
        alias = self.root / GENERATOR / "production"
        if alias.exists() and int(alias.read_text()) == number:
            alias.unlink()
        kept = self.root.parent / f"kept-{number}"
        shutil.move(self.root / GENERATOR / str(number), kept)
        return kept

    def found(self) -> list[Finding]:
        with self.database.reading() as session:
            return reconciling.page(session, GENERATOR, None, 50)

    def policy(self, policy: EditPolicy) -> None:
        with self.database.transaction() as session:
            reconciling.set_policy(session, GENERATOR, policy, "ann", self.clock.now())

    def switch(self, *, on: bool) -> None:
        with self.database.transaction() as session:
            (stopping.stop if on else stopping.resume)(session, "bob", "hands off", self.clock.now())

    def promote(self, version: int) -> None:
        with self.database.transaction() as session:
            self.releasing.promote(
                session, generator=GENERATOR, version=version, expected_serving=None, actor="ann", reason=""
            )

    def serving(self) -> int:
        with self.database.transaction() as session:
            self.releasing.advance(session, GENERATOR)
            entry = ledger.newest_release(session, GENERATOR)
        assert entry is not None
        return entry.to_version

    def actions(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return [(line.actor, line.action) for line in access.audit_page(session, None, 50)]


@pytest.fixture
def stage(database: Database, tmp_path: Path, clock: ManualClock, releasing: Releasing) -> Stage:
    root = tmp_path / "registry"
    store = FolderVersionStore(root, clock.now)
    registration = Registration(database, store, clock)
    for number in (1, 2, 3):
        registration.register_external(GENERATOR, {"name": f"portraits:{number}"}, "ann")
    made = Stage(database, store, root, clock, releasing, Leads())
    with database.transaction() as session:
        making.create(session, "on call", ChannelKind.WEBHOOK, NOON, url="https://pager.example/hook", reach=PUBLIC)
    made.promote(1)
    with database.transaction() as session:
        releasing.accept(session, generator=GENERATOR, expected_serving=1, actor="ann", reason="good")
    made.promote(2)
    assert (made.serving(), made.look(), store.production(GENERATOR)) == (2, 0, 2)
    return made


def test_the_alias_follows_the_ledger_and_nothing_is_found(stage: Stage) -> None:
    stage.promote(3)
    assert (stage.look(), stage.store.production(GENERATOR)) == (0, 3)
    assert (stage.found(), stage.tell()) == ([], 0)


@pytest.mark.parametrize("moved_to", [3, None])
def test_an_alias_that_was_moved_or_deleted_is_put_back_and_told_once(stage: Stage, moved_to: int | None) -> None:
    if moved_to is None:
        (stage.root / GENERATOR / "production").unlink()
    else:
        stage.store.set_production(GENERATOR, moved_to)
    assert (stage.look(), stage.store.production(GENERATOR)) == (1, 2)
    [finding] = stage.found()
    assert (finding.edit.version, finding.edit.found, finding.remedy) == (2, moved_to, Remedy.PUT_BACK)
    assert (stage.look(), stage.look()) == (0, 0)
    assert [each.outcome for each in stage.found()] == [Outcome.PUT_BACK]
    assert stage.actions()[:2] == [("safelight", "registry.put_back"), ("mlflow", f"registry.{finding.edit.change}")]
    # It was over before anybody was told: people hear of it all the same.
    assert (stage.tell(), stage.tell()) == (2, 0)
    with stage.database.reading() as session:
        [incident] = incidents.page(session, GENERATOR, (), None, 9)
        told = [each.event for each in notifications.page(session)]
    assert (incident.monitor, incident.reason) == ("registry", f"registry_{finding.edit.change}")
    assert (incident.state, incident.resolution) == (IncidentState.RESOLVED, Resolution.RECOVERED)
    assert (incident.suspect_version, incident.suggested_target) == (None, None)
    assert told == ["incident.resolved", "incident.opened"]


def test_an_edit_is_noticed_over_a_restart_and_what_another_leader_wrote_is_none(stage: Stage) -> None:
    """Each look is made by a new reconciler: what was written last is in the database, not in its memory."""
    stage.leads.leading = False
    stage.store.set_production(GENERATOR, 3)
    assert (stage.look(), stage.store.production(GENERATOR)) == (0, 3)
    stage.leads.leading = True
    assert (stage.look(), stage.store.production(GENERATOR)) == (1, 2)


def test_changed_tags_are_written_back(stage: Stage) -> None:
    manifest = stage.root / GENERATOR / "1" / "manifest.json"
    was = manifest.read_bytes()
    for broken in (b"{}", b'{"kind": "external", "name": "something else"}'):
        manifest.write_bytes(broken)
        assert (stage.look(), manifest.read_bytes()) == (1, was)
        assert stage.look() == 0
    assert {(each.edit.change, each.outcome) for each in stage.found()} == {(Change.MANIFEST_CHANGED, Outcome.PUT_BACK)}


@pytest.mark.parametrize(("policy", "after"), [(EditPolicy.PUT_BACK, 2), (EditPolicy.ADOPT, 3)])
def test_while_all_is_stopped_edits_are_told_and_left_as_they_are(stage: Stage, policy: EditPolicy, after: int) -> None:
    stage.policy(policy)
    stage.switch(on=True)
    stage.store.set_production(GENERATOR, 3)
    manifest = stage.root / GENERATOR / "1" / "manifest.json"
    was = manifest.read_bytes()
    manifest.write_bytes(b"{}")
    assert (stage.look(), stage.tell(), stage.look()) == (2, 2, 2)
    assert (stage.store.production(GENERATOR), manifest.read_bytes(), stage.serving()) == (3, b"{}", 2)
    with stage.database.reading() as session:
        [incident] = incidents.open_incidents(session, GENERATOR)
        said = [event.message for event in incidents.timeline(session, incident.id) if event.kind == "registry"]
    assert all(each.endswith("It stays so while the stop switch is on, which bob has turned.") for each in said)
    stage.switch(on=False)
    assert (stage.look(), stage.serving(), stage.look()) == (2, after, 0)
    assert (stage.store.production(GENERATOR), manifest.read_bytes()) == (after, was)
    assert stage.tell() == 1


def test_while_all_is_stopped_the_alias_follows_what_people_release(stage: Stage) -> None:
    stage.switch(on=True)
    stage.promote(3)
    assert (stage.look(), stage.store.production(GENERATOR), stage.found()) == (0, 3, [])


def test_a_moved_alias_is_adopted_as_a_release_of_its_own(stage: Stage) -> None:
    stage.policy(EditPolicy.ADOPT)
    stage.store.set_production(GENERATOR, 3)
    assert (stage.look(), stage.serving(), stage.look()) == (1, 3, 0)
    with stage.database.reading() as session:
        entry = ledger.newest_release(session, GENERATOR)
    assert entry is not None
    assert (entry.actor, entry.to_version, stage.store.production(GENERATOR)) == ("mlflow", 3, 3)
    [finding] = stage.found()
    assert (finding.outcome, finding.release_id is not None) == (Outcome.ADOPTED, True)
    # And what follows the ledger from there is no edit.
    stage.promote(1)
    assert (stage.look(), stage.store.production(GENERATOR)) == (0, 1)


def test_an_adopted_release_that_fails_is_put_back(stage: Stage, tmp_path: Path, set_engine: SetEngine) -> None:
    """A version of our own has to be loaded and checked first: until then the alias stands where it was moved to."""
    folder = write_checkpoint(tmp_path / "four")
    Registration(stage.database, stage.store, stage.clock).register(GENERATOR, folder, MANIFEST, "ann")
    stage.policy(EditPolicy.ADOPT)
    stage.store.set_production(GENERATOR, 4)
    assert (stage.look(), stage.look(), stage.store.production(GENERATOR)) == (1, 1, 4)
    set_engine(4, EngineState.FAILED, "its golden images differ", GENERATOR)
    assert stage.serving() == 2
    assert (stage.look(), stage.look(), stage.store.production(GENERATOR)) == (1, 0, 2)
    [finding] = stage.found()
    assert (finding.outcome, "golden" in finding.detail) == (Outcome.PUT_BACK, True)


def test_what_cannot_be_released_is_put_back_though_it_is_to_be_adopted(stage: Stage) -> None:
    stage.policy(EditPolicy.ADOPT)
    foreign = stage.root / GENERATOR / "9"
    foreign.mkdir()
    (stage.root / GENERATOR / "production").write_text("9")
    assert (stage.look(), stage.store.production(GENERATOR)) == (1, 2)
    [finding] = stage.found()
    assert (finding.remedy, "no version 9" in finding.detail) == (Remedy.PUT_BACK, True)


def test_an_adopted_release_has_its_gates_as_usual(stage: Stage) -> None:
    with stage.database.transaction() as session:
        stage.releasing.rollback(
            session, generator=GENERATOR, to=1, expected_serving=2, actor="ann", reason="worse", incident_id=new_id()
        )
    assert (stage.look(), stage.store.production(GENERATOR)) == (0, 1)
    stage.policy(EditPolicy.ADOPT)
    stage.store.set_production(GENERATOR, 2)
    assert (stage.look(), stage.store.production(GENERATOR), stage.serving()) == (1, 1, 1)
    [finding] = stage.found()
    assert (finding.remedy, "quarantine" in finding.detail) == (Remedy.PUT_BACK, True)


def test_a_version_registered_and_named_at_once_is_adopted_by_the_next_look(stage: Stage) -> None:
    stage.policy(EditPolicy.ADOPT)
    stage.store.register_external(GENERATOR, parse_external({"name": "portraits:4"}))
    stage.store.set_production(GENERATOR, 4)
    stage.look()
    assert stage.found() == []
    Registration(stage.database, stage.store, stage.clock).synchronise()
    assert (stage.look(), stage.serving()) == (1, 4)


def test_a_deleted_version_that_serves_needs_a_person(stage: Stage) -> None:
    kept = stage.delete(2)
    assert (stage.look(), stage.tell(), stage.look(), stage.tell()) == (1, 1, 1, 0)
    with stage.database.reading() as session:
        [incident] = incidents.open_incidents(session, GENERATOR)
        assert versions.numbers(session, GENERATOR) == {1, 3}
    assert (incident.reason, incident.suspect_version, incident.suggested_target) == ("registry_version_deleted", 2, 1)
    # It comes back from a backup: then all is well, and the alias is set again.
    shutil.move(kept, stage.root / GENERATOR / "2")
    assert (stage.look(), stage.store.production(GENERATOR), stage.tell()) == (0, 2, 1)
    with stage.database.reading() as session:
        assert versions.numbers(session, GENERATOR) == {1, 2, 3}
        assert incidents.open_incidents(session, GENERATOR) == []
    assert [each.outcome for each in stage.found()] == [Outcome.RETURNED]


def test_a_deleted_version_that_nothing_rests_on_is_no_longer_offered(stage: Stage) -> None:
    stage.delete(3)
    assert (stage.look(), stage.look()) == (1, 0)
    assert [(each.remedy, each.outcome) for each in stage.found()] == [(Remedy.WITHDRAW, Outcome.WITHDRAWN)]
    with pytest.raises(UnknownTarget):
        stage.promote(3)


def test_a_deleted_version_that_is_tried_on_a_part_of_the_traffic_needs_a_person(stage: Stage) -> None:
    with stage.database.transaction() as session:
        tried = releases.add(
            session,
            generator=GENERATOR,
            kind=EntryKind.PROMOTE,
            from_version=2,
            to_version=3,
            actor="ann",
            reason="",
            incident_id=None,
            now=NOON,
        )
        releases.move(session, tried, State.CANARY, NOON)
    stage.delete(3)
    assert stage.look() == 1
    assert [each.remedy for each in stage.found()] == [Remedy.PAGE]


def test_a_deleted_version_that_serves_in_a_further_scope_needs_a_person(stage: Stage) -> None:
    with stage.database.transaction() as session:
        set_scopes(session, GENERATOR, [("default", 60), ("eu", 0)], "ann", NOON)
        lead = releases.page(session, GENERATOR, None, 1)[0]
        stage.releasing.follow(session, lead, "eu")
    stage.promote(3)
    stage.promote(1)
    assert stage.look() == 0
    stage.delete(2)
    assert stage.look() == 1
    assert [each.remedy for each in stage.found()] == [Remedy.PAGE]


def test_no_answer_is_no_finding_and_keeps_no_other_waiting(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    unanswered = {"broken": ValueError("an alias that is no number"), GENERATOR: StoreUnavailable("refused")}
    answers: Callable[[str], Standing] = stage.store.standing

    def standing(generator: str) -> Standing:
        if generator in unanswered:
            raise unanswered[generator]
        return answers(generator)

    monkeypatch.setattr(stage.store, "standing", standing)
    stage.store.set_production(GENERATOR, 3)
    with stage.database.transaction() as session:
        versions.add_generator(session, "broken", "", NOON)
    assert (stage.look(), stage.found()) == (0, [])
    unanswered.pop(GENERATOR)
    assert stage.look() == 1


def test_a_crash_after_the_finding_was_written_is_mended_by_the_next_look(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_generator: str, _number: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stage.store, "set_production", dies)
        (stage.root / GENERATOR / "production").write_text("3")
        with pytest.raises(KeyboardInterrupt):
            stage.look()
    assert (stage.look(), stage.store.production(GENERATOR), stage.look()) == (1, 2, 0)
    assert len(stage.found()) == 1
    with stage.database.reading() as session:
        assert releases.in_states(session, releases.MOVING, GENERATOR) == []

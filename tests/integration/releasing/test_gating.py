"""What gates do to a promote: refused at once, held until their evidence is there, or passed by override."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from registry.external import parse_external
from registry.gates.policy import GatePolicy, GatePolicyInvalid, parse_policy
from registry.gates.result import Gate, Outcome
from registry.manifest import Dataset, Provenance, Scan
from registry.progress import State
from registry.rules import quarantined
from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.releasing import gate_policies
from safelight.releasing.service import Releasing
from safelight.store import access, gates, ledger, releases, versions
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.releases import KnownRelease
from safelight.store.versions import KnownVersion

SetEngine = Callable[..., None]


class Desk:
    """What people do, each in a transaction of its own."""

    def __init__(self, database: Database, releasing: Releasing, generator: str, clock: ManualClock) -> None:
        self.database, self.releasing, self.generator, self.clock = database, releasing, generator, clock

    def policy(self, **document: Any) -> None:
        with self.database.transaction() as session:
            policy = parse_policy(document)
            gate_policies.put(session, self.generator, policy, actor="ada", now=self.clock.now())

    def promote(self, version: int, actor: str = "ann", override: str | None = None) -> KnownRelease:
        with self.database.transaction() as session:
            release = self.releasing.promote(
                session,
                generator=self.generator,
                version=version,
                expected_serving=None,
                actor=actor,
                reason="better",
                override=override,
            )
        self.clock.advance(1)
        return release

    def flee(self, to: int) -> KnownRelease:
        """Roll back because of an incident."""
        with self.database.transaction() as session:
            release = self.releasing.rollback(
                session,
                generator=self.generator,
                to=to,
                expected_serving=None,
                actor="safelight",
                reason="",
                incident_id=new_id(),
            )
        self.clock.advance(1)
        return release

    def accept(self) -> None:
        with self.database.transaction() as session:
            self.releasing.accept(session, generator=self.generator, expected_serving=None, actor="ann", reason="")

    def approve(self, version: int, by: str) -> None:
        with self.database.transaction() as session:
            gate_policies.approve(session, self.generator, version, by=by, note="looked", now=self.clock.now())

    def advance(self) -> None:
        with self.database.transaction() as session:
            self.releasing.advance(session, self.generator)

    def state(self, release: KnownRelease) -> State:
        with self.database.reading() as session:
            return releases.require(session, release.id).state

    def gates(self, release: KnownRelease) -> dict[Gate, tuple[Outcome, bool]]:
        with self.database.reading() as session:
            return {each.gate: (each.outcome, each.overridden) for each in gates.results(session, release.id)}

    def last_step(self, release: KnownRelease) -> str:
        with self.database.reading() as session:
            return releases.steps(session, release.id)[-1].detail

    def newest_reason(self) -> str:
        with self.database.reading() as session:
            return ledger.chain(session, self.generator)[-1].reason

    def audit(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return [(each.action, each.actor) for each in access.audit_page(session, None, 50)]


@pytest.fixture
def desk(database: Database, releasing: Releasing, generator: str, clock: ManualClock, set_engine: SetEngine) -> Desk:
    """Version 1 serves and is accepted."""
    made = Desk(database, releasing, generator, clock)
    made.promote(1)
    set_engine(1)
    made.advance()
    made.accept()
    return made


def test_without_a_policy_a_promote_shows_what_holds_always(desk: Desk, set_engine: SetEngine) -> None:
    release = desk.promote(2)
    assert desk.gates(release)[Gate.LOADABLE] == (Outcome.PENDING, False)
    set_engine(2)
    desk.advance()
    assert desk.state(release) is State.SERVING
    assert {gate: outcome for gate, (outcome, _) in desk.gates(release).items()} == {
        Gate.INTEGRITY: Outcome.PASSED,
        Gate.LOADABLE: Outcome.PASSED,
        Gate.QUARANTINE: Outcome.PASSED,
    }


def test_an_engine_that_fails_says_which_gate_it_was(desk: Desk, set_engine: SetEngine) -> None:
    release = desk.promote(2)
    set_engine(2, EngineState.FAILED, "golden_blank")
    desk.advance()
    assert (desk.state(release), desk.last_step(release)) == (State.FAILED, "golden_blank")
    assert desk.gates(release)[Gate.INTEGRITY] == (Outcome.PASSED, False)
    assert desk.gates(release)[Gate.LOADABLE] == (Outcome.FAILED, False)


def test_what_cannot_pass_is_refused_before_anything_gives_way_to_it(desk: Desk, set_engine: SetEngine) -> None:
    under_way = desk.promote(2)
    desk.policy(provenance={})
    refused = desk.promote(3)
    assert desk.state(refused) is State.FAILED
    assert desk.last_step(refused).startswith("Gate provenance: ")
    assert desk.state(under_way) is State.PREPARING
    set_engine(2)  # which is held to the policy too
    desk.advance()
    assert desk.state(under_way) is State.FAILED


def test_an_override_goes_on_and_is_on_record(desk: Desk, set_engine: SetEngine) -> None:
    desk.policy(provenance={}, approvals=1)
    release = desk.promote(2, actor="ada", override="the shop is down")
    set_engine(2)
    desk.advance()
    assert desk.state(release) is State.SERVING
    assert desk.gates(release)[Gate.PROVENANCE] == (Outcome.MISSING, True)
    assert desk.gates(release)[Gate.LOADABLE] == (Outcome.PASSED, False)
    assert desk.newest_reason() == "better [override of provenance, approval: the shop is down]"
    assert ("release.override", "ada") in desk.audit()


def test_an_override_never_serves_what_cannot_be_loaded(desk: Desk, set_engine: SetEngine) -> None:
    release = desk.promote(2, actor="ada", override="it must")
    set_engine(2, EngineState.FAILED, "OutOfMemory")
    desk.advance()
    assert desk.state(release) is State.FAILED


def test_what_caused_an_incident_stays_out_until_it_was_promoted_by_override_and_accepted(
    desk: Desk, set_engine: SetEngine
) -> None:
    for version in (2, 3):
        set_engine(version)
    set_engine(1)
    desk.promote(2)
    desk.advance()
    desk.flee(1)
    desk.advance()
    with desk.database.reading() as session:
        chain = ledger.chain(session, desk.generator)
        assert ledger.quarantined(session, desk.generator, 2) == quarantined(chain)[2] == chain[-1]
    set_engine(2)
    set_engine(3)
    assert desk.last_step(desk.promote(2)).startswith("Gate quarantine: It is in quarantine since ")
    desk.promote(3)
    desk.advance()
    desk.promote(2, actor="ada", override="the alarm was wrong")
    desk.advance()
    assert desk.newest_reason() == "better [override of quarantine: the alarm was wrong]"
    desk.accept()
    set_engine(3)
    desk.promote(3)
    desk.advance()
    set_engine(2)
    again = desk.promote(2)
    desk.advance()
    assert desk.state(again) is State.SERVING
    with desk.database.reading() as session:
        chain = ledger.chain(session, desk.generator)
        assert {each: ledger.quarantined(session, desk.generator, each) for each in (1, 2, 3)} == {
            each: quarantined(chain).get(each) for each in (1, 2, 3)
        }


def test_an_approval_comes_from_somebody_else(desk: Desk, set_engine: SetEngine) -> None:
    desk.policy(approvals=1)
    with pytest.raises(SafelightError) as refused:
        desk.approve(2, by="test")  # who registered it
    assert refused.value.code == "own_version"
    desk.approve(2, by="ann")
    assert desk.state(desk.promote(2, actor="ann")) is State.FAILED
    set_engine(2)
    release = desk.promote(2, actor="bob")
    desk.advance()
    assert desk.state(release) is State.SERVING
    assert ("version.approve", "ann") in desk.audit()


def test_provenance_is_told_of_a_version_that_is_registered_already(desk: Desk, set_engine: SetEngine) -> None:
    desk.policy(provenance={"licences": ["MIT"]})
    assert desk.state(desk.promote(2)) is State.FAILED
    told = Provenance(
        licence="MIT",
        datasets=(Dataset(name="Emoji", source="npm", licence="MIT"),),
        scan=Scan(method="CLIP", made_on=date(2026, 11, 1), images=100, near_duplicates=0, contaminated=0),
        intended_use="Avatars",
        known_limits="No text",
    )
    for licence in ("GPL", "MIT"):  # the newest word counts
        said = told.model_copy(update={"licence": licence})
        with desk.database.transaction() as session:
            gate_policies.tell_provenance(session, desk.generator, 2, said, by="ann", now=desk.clock.now())
    set_engine(2)
    release = desk.promote(2)
    desk.advance()
    assert desk.state(release) is State.SERVING
    assert desk.gates(release)[Gate.PROVENANCE] == (Outcome.PASSED, False)


def test_what_others_serve_is_asked_for_what_can_be_known_of_it(desk: Desk) -> None:
    told = parse_external({"name": "portraits:5"})
    with desk.database.transaction() as session:
        versions.put_version(session, KnownVersion(desk.generator, 5, told.digest, told, "", desk.clock.now(), "test"))
    desk.policy(paired_probes=None, approvals=1)
    assert desk.state(desk.promote(5)) is State.FAILED
    desk.approve(5, by="bob")
    release = desk.promote(5)
    assert desk.state(release) is State.FLIPPING
    assert desk.gates(release)[Gate.LOADABLE] == (Outcome.NOT_APPLICABLE, False)


def test_a_policy_that_nothing_could_meet_is_refused(desk: Desk) -> None:
    with pytest.raises(GatePolicyInvalid, match="there is no probe set 'mine'"):
        desk.policy(paired_probes={"probe_set": "mine"})
    with desk.database.reading() as session:
        assert gates.policy(session, desk.generator).policy == GatePolicy()

"""What a release may do, by example and over any history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from registry.errors import Kind
from registry.ledger import Draft, Entry, EntryKind, StaleServing, append, verify
from registry.progress import State
from registry.rules import (
    Plan,
    ReleaseCode,
    ReleaseRefused,
    known_good,
    last_known_good,
    plan_accept,
    plan_promote,
    plan_rollback,
    quarantined,
    serving,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ALL = range(1, 10)


def carried_out(entries: Sequence[Entry], plan: Plan, at: datetime, incident: str | None = None) -> list[Entry]:
    draft = Draft(
        generator="emoji",
        scope="default",
        kind=plan.kind,
        from_version=plan.from_version,
        to_version=plan.to_version,
        to_digest=f"sha256:{plan.to_version:064}",
        actor="ada",
        reason="test",
        incident_id=incident,
    )
    return [*entries, append(entries[-1] if entries else None, draft, at)]


def history(*steps: str) -> list[Entry]:
    """From words such as "promote 2", "accept", "rollback", "rollback 1"; one a minute from noon. "flee" is a rollback
    because of an incident."""
    entries: list[Entry] = []
    for minute, step in enumerate(steps):
        word, _, number = step.partition(" ")
        match word:
            case "promote":
                plan = plan_promote(entries, int(number), registered=ALL)
            case "rollback" | "flee":
                plan = plan_rollback(entries, int(number) if number else None, registered=ALL)
            case "accept":
                plan = plan_accept(entries)
            case _:
                raise ValueError(step)
        incident = "an incident" if word == "flee" else None
        entries = carried_out(entries, plan, NOON + timedelta(minutes=minute), incident)
    return entries


class TestServing:
    def test_is_the_last_release(self) -> None:
        assert serving([]) is None
        assert serving(history("promote 1", "accept", "promote 2")) == 2
        assert serving(history("promote 1", "accept", "promote 2", "rollback")) == 1


class TestLastKnownGood:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ((), None),
            (("promote 1",), None),
            (("promote 1", "accept"), None),
            (("promote 1", "promote 2"), None),
            (("promote 1", "accept", "promote 2"), 1),
            (("promote 1", "accept", "promote 2", "accept", "promote 3"), 2),
            (("promote 1", "accept", "promote 2", "promote 3"), 1),
            (("promote 1", "accept", "promote 2", "accept", "promote 3", "rollback"), 1),
            (("promote 1", "accept", "promote 2", "accept", "rollback 1", "promote 3"), 1),
            (("promote 1", "accept", "promote 2", "accept", "rollback 1", "promote 2", "promote 3"), 1),
            (("promote 1", "accept", "promote 2", "accept", "rollback 1", "promote 2", "accept", "promote 3"), 2),
            (("promote 1", "accept", "promote 2", "accept", "promote 1", "promote 3"), 1),
        ],
    )
    def test_by_example(self, steps: tuple[str, ...], expected: int | None) -> None:
        assert last_known_good(history(*steps)) == expected

    def test_leaves_out_what_the_caller_excludes(self) -> None:
        entries = history("promote 1", "accept", "promote 2", "accept", "promote 3")
        assert last_known_good(entries, excluding={2}) == 1
        assert last_known_good(entries, excluding={1, 2}) is None


class TestQuarantine:
    @pytest.mark.parametrize(
        ("steps", "held"),
        [
            ((), set()),
            (("promote 1", "accept", "promote 2", "rollback"), set()),
            (("promote 1", "accept", "promote 2", "flee"), {2}),
            (("promote 1", "accept", "promote 2", "flee", "promote 3"), {2}),
            (("promote 1", "accept", "promote 2", "flee", "promote 2"), {2}),
            (("promote 1", "accept", "promote 2", "flee", "promote 2", "promote 3"), {2}),
            (("promote 1", "accept", "promote 2", "flee", "promote 2", "accept"), set()),
            (("promote 1", "accept", "promote 2", "flee", "promote 2", "accept", "flee"), {2}),
            (("promote 1", "accept", "promote 2", "flee", "promote 3", "flee"), {2, 3}),
        ],
    )
    def test_by_example(self, steps: tuple[str, ...], held: set[int]) -> None:
        assert set(quarantined(history(*steps))) == held

    def test_names_the_last_rollback_from_it(self) -> None:
        entries = history("promote 1", "accept", "promote 2", "flee", "promote 2", "flee")
        assert quarantined(entries) == {2: entries[-1]}

    def test_there_is_no_going_back_to_it(self) -> None:
        entries = history("promote 1", "accept", "promote 2", "flee", "promote 3")
        with pytest.raises(ReleaseRefused) as refused:
            plan_rollback(entries, 2, registered=ALL)
        assert refused.value.code == ReleaseCode.QUARANTINED
        assert plan_rollback(entries, registered=ALL).to_version == 1


class TestPromote:
    def test_loads_and_checks_before_it_flips(self) -> None:
        plan = plan_promote(history("promote 1"), 2, registered=ALL, expected_serving=1)
        path = (State.PREPARING, State.VERIFYING, State.FLIPPING, State.SERVING)
        assert plan == Plan(EntryKind.PROMOTE, 1, 2, path)

    def test_of_what_serves(self) -> None:
        with pytest.raises(ReleaseRefused) as refused:
            plan_promote(history("promote 1"), 1, registered=ALL)
        assert refused.value.code == ReleaseCode.ALREADY_SERVING

    @pytest.mark.parametrize("version", [0, -1, 10])
    def test_of_what_does_not_exist(self, version: int) -> None:
        with pytest.raises(ReleaseRefused) as refused:
            plan_promote([], version, registered=ALL)
        assert refused.value.code == ReleaseCode.UNKNOWN_VERSION
        assert refused.value.kind is Kind.NOT_FOUND

    def test_on_a_stale_page(self) -> None:
        with pytest.raises(StaleServing) as refused:
            plan_promote(history("promote 1", "promote 2"), 3, registered=ALL, expected_serving=1)
        assert refused.value.current == 2
        with pytest.raises(StaleServing):
            plan_promote([], 3, registered=ALL, expected_serving=1)


class TestRollback:
    ENTRIES = history("promote 1", "accept", "promote 2", "accept", "promote 3")

    def test_needs_no_version(self) -> None:
        plan = plan_rollback(self.ENTRIES, registered=ALL)
        assert plan == Plan(EntryKind.ROLLBACK, 3, 2, (State.PREPARING, State.FLIPPING, State.SERVING))

    def test_to_a_warm_version_flips_at_once(self) -> None:
        assert plan_rollback(self.ENTRIES, registered=ALL, warm={2}).path == (State.FLIPPING, State.SERVING)
        assert plan_rollback(self.ENTRIES, 1, registered=ALL, warm={2}).path[0] is State.PREPARING

    def test_passes_over_versions_that_are_gone(self) -> None:
        assert plan_rollback(self.ENTRIES, registered={1, 3}).to_version == 1

    @pytest.mark.parametrize(
        ("steps", "to", "code"),
        [
            ((), None, ReleaseCode.NOTHING_SERVING),
            (("promote 1",), None, ReleaseCode.NOTHING_TO_ROLL_BACK_TO),
            (("promote 1", "promote 2"), None, ReleaseCode.NOTHING_TO_ROLL_BACK_TO),
            (("promote 1", "promote 2"), 2, ReleaseCode.ALREADY_SERVING),
            (("promote 1", "promote 2"), 3, ReleaseCode.NEVER_SERVED),
            (("promote 1", "promote 2"), 99, ReleaseCode.UNKNOWN_VERSION),
        ],
    )
    def test_that_is_refused(self, steps: tuple[str, ...], to: int | None, code: ReleaseCode) -> None:
        with pytest.raises(ReleaseRefused) as refused:
            plan_rollback(history(*steps), to, registered=ALL)
        assert refused.value.code == code

    def test_may_name_a_version_that_nobody_accepted(self) -> None:
        assert plan_rollback(history("promote 1", "promote 2"), 1, registered=ALL).to_version == 1

    def test_on_a_stale_page(self) -> None:
        with pytest.raises(StaleServing):
            plan_rollback(self.ENTRIES, registered=ALL, expected_serving=2)


class TestAccept:
    def test_makes_what_serves_good(self) -> None:
        entries = history("promote 1")
        assert plan_accept(entries, expected_serving=1) == Plan(EntryKind.ACCEPT, 1, 1, (State.ACCEPTED,))
        assert known_good(history("promote 1", "accept")) == {1}

    @pytest.mark.parametrize(
        ("steps", "code"),
        [((), ReleaseCode.NOTHING_SERVING), (("promote 1", "accept"), ReleaseCode.ALREADY_ACCEPTED)],
    )
    def test_that_is_refused(self, steps: tuple[str, ...], code: ReleaseCode) -> None:
        with pytest.raises(ReleaseRefused) as refused:
            plan_accept(history(*steps))
        assert refused.value.code == code

    def test_on_a_stale_page(self) -> None:
        with pytest.raises(StaleServing):
            plan_accept(history("promote 1", "promote 2"), expected_serving=1)


class AnyHistory(RuleBasedStateMachine):
    """Releases in any order, against a model that remembers each version's last judgement in words of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.live: int | None = None
        self.judgement: dict[int, str] = {}
        self.held: set[int] = set()
        self.now = NOON

    def _carry_out(self, plan: Plan, incident: str | None = None) -> None:
        self.now += timedelta(minutes=1)
        self.entries = carried_out(self.entries, plan, self.now, incident)
        if plan.kind != EntryKind.ACCEPT:
            self.live = plan.to_version
            self._cannot_be_repeated(plan)

    def _cannot_be_repeated(self, plan: Plan) -> None:
        """The same click a second time is refused, and so is the same plan."""
        again, seen = plan.to_version, plan.from_version
        with pytest.raises((StaleServing, ReleaseRefused)):
            plan_promote(self.entries, again, registered=ALL, expected_serving=seen)
        with pytest.raises((StaleServing, ReleaseRefused)):
            plan_rollback(self.entries, again, registered=ALL, expected_serving=seen)
        with pytest.raises(StaleServing):
            carried_out(self.entries, plan, self.now)

    @rule(version=st.integers(1, 4), sees=st.none() | st.integers(1, 4))
    def promote(self, version: int, sees: int | None) -> None:
        if sees not in (None, self.live):
            with pytest.raises(StaleServing):
                plan_promote(self.entries, version, registered=ALL, expected_serving=sees)
        elif version == self.live:
            with pytest.raises(ReleaseRefused):
                plan_promote(self.entries, version, registered=ALL, expected_serving=sees)
        else:
            self._carry_out(plan_promote(self.entries, version, registered=ALL, expected_serving=sees))

    @rule(to=st.none() | st.integers(1, 4), incident=st.none() | st.just("an incident"))
    def rollback(self, to: int | None, incident: str | None) -> None:
        try:
            plan = plan_rollback(self.entries, to, registered=ALL, expected_serving=self.live)
        except ReleaseRefused:
            return
        assert plan.to_version not in self.held
        if to is None:
            assert self.judgement[plan.to_version] == "good"
        assert plan.from_version is not None
        self.judgement[plan.from_version] = "bad"
        if incident is not None:
            self.held.add(plan.from_version)
        self._carry_out(plan, incident)

    @precondition(lambda self: self.live is not None)
    @rule()
    def accept(self) -> None:
        assert self.live is not None
        if self.judgement.get(self.live) == "good":
            with pytest.raises(ReleaseRefused):
                plan_accept(self.entries)
        else:
            self._carry_out(plan_accept(self.entries))
            self.judgement[self.live] = "good"
            self.held.discard(self.live)

    @invariant()
    def what_is_held_is_never_known_good(self) -> None:
        assert set(quarantined(self.entries)) == self.held
        assert not self.held & known_good(self.entries)

    @invariant()
    def the_chain_holds(self) -> None:
        assert verify(self.entries) is None

    @invariant()
    def what_serves_is_what_was_put_in_place_last(self) -> None:
        assert serving(self.entries) == self.live

    @invariant()
    def the_last_known_good_is_good_and_not_what_serves(self) -> None:
        found = last_known_good(self.entries)
        candidates = {v for v, word in self.judgement.items() if word == "good" and v != self.live}
        assert (found in candidates) if candidates else (found is None)


TestAnyHistory = AnyHistory.TestCase

"""What becomes of a canary: steps, pauses, and that what is not known is never a pass."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from registry.canary import (
    CanaryPlan,
    CanaryRefused,
    CanaryStep,
    Finding,
    Move,
    Standing,
    Why,
    check_canary,
    decide,
    is_drawn,
    is_way_back,
)
from registry.ledger import Draft, Entry, EntryKind, append

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLAN = CanaryPlan(
    steps=(CanaryStep(weight=5, bake_seconds=60), CanaryStep(weight=50, bake_seconds=60, pause=True)),
    min_images=10,
    give_up_seconds=300,
)


def decided(
    *,
    step: int = 0,
    after: float = 61,
    paused: bool = False,
    answered: bool = False,
    stopped: bool = False,
    finding: Finding = Finding.HEALTHY,
    images: int = 10,
) -> tuple[Move, Why]:
    standing = Standing(step, NOON, paused, answered, stopped)
    return decide(PLAN, standing, finding, images, NOON + timedelta(seconds=after))


def test_while_all_is_stopped_nothing_goes_on_and_a_worse_version_is_called_off() -> None:
    assert decided(stopped=True) == (Move.WAIT, Why.STOPPED)
    assert decided(stopped=True, step=1, answered=True) == (Move.WAIT, Why.STOPPED)
    assert decided(stopped=True, finding=Finding.DEGRADED) == (Move.ABORT, Why.WORSE)


def test_a_step_bakes_for_its_time_and_then_the_next_one_comes() -> None:
    assert decided(after=59) == (Move.WAIT, Why.BAKING)
    assert decided() == (Move.STEP, Why.PASSED)


def test_a_pause_waits_for_a_person_once() -> None:
    assert decided(step=1) == (Move.PAUSE, Why.ASKED)
    assert decided(step=1, paused=True, after=9_999) == (Move.WAIT, Why.HELD)
    assert decided(step=1, answered=True) == (Move.FINISH, Why.PASSED)


def test_a_worse_version_is_called_off_whatever_it_is_at() -> None:
    for standing in ({}, {"after": 1}, {"paused": True}, {"step": 1, "answered": True}, {"images": 0}):
        assert decided(finding=Finding.DEGRADED, **standing) == (Move.ABORT, Why.WORSE)


@pytest.mark.parametrize(
    ("lack", "why"),
    [
        ({"finding": Finding.INCONCLUSIVE}, Why.NOT_SHOWN),
        ({"finding": Finding.ERROR}, Why.NOT_JUDGED),
        ({"images": 9}, Why.TOO_FEW),
    ],
)
def test_what_is_not_known_is_never_a_pass_and_waits_for_a_person_in_the_end(lack: dict[str, Any], why: Why) -> None:
    assert decided(**lack) == (Move.WAIT, why)
    assert decided(**lack, after=361) == (Move.PAUSE, Why.GAVE_UP)
    assert decided(**lack, after=9_999, answered=True) == (Move.WAIT, why)


@given(
    step=st.sampled_from([0, 1]),
    after=st.integers(-10, 10_000),
    paused=st.booleans(),
    answered=st.booleans(),
    stopped=st.booleans(),
    finding=st.sampled_from(Finding),
    images=st.integers(0, 20),
)
def test_only_a_healthy_finding_moves_it_on_and_only_a_degraded_one_calls_it_off(**standing: Any) -> None:
    move, _ = decided(**standing)
    if move in (Move.STEP, Move.FINISH):
        assert standing["finding"] is Finding.HEALTHY
        assert standing["images"] >= PLAN.min_images
        assert standing["after"] >= 60
        assert not standing["paused"]
        assert not standing["stopped"]
    assert (move is Move.ABORT) == (standing["finding"] is Finding.DEGRADED)


@given(subject=st.text(max_size=20), low=st.integers(0, 100), high=st.integers(0, 100))
def test_a_larger_share_keeps_whoever_is_drawn_already(subject: str, low: int, high: int) -> None:
    low, high = sorted((low, high))
    assert is_drawn("salt", subject, high) or not is_drawn("salt", subject, low)
    assert not is_drawn("salt", subject, 0)
    assert is_drawn("salt", subject, 100)


def test_a_share_is_what_it_says_and_another_salt_draws_others() -> None:
    subjects = [str(each) for each in range(20_000)]
    drawn = {subject for subject in subjects if is_drawn("a", subject, 5)}
    assert 0.045 < len(drawn) / len(subjects) < 0.055
    assert len(drawn & {subject for subject in subjects if is_drawn("b", subject, 5)}) < 100


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"steps": []}, "at least 1"),
        ({"steps": [{}]}, "needs a weight or a shadow"),
        ({"steps": [{"weight": 100}]}, "less than or equal to 99"),
        ({"steps": [{"weight": 50}, {"weight": 5}]}, "may not be below"),
        ({"steps": [{"weight": 5, "bake_seconds": -1}]}, "greater than or equal to 0"),
        ({"steps": [{"weight": 5}], "alpha": 0}, "greater than 0"),
        ({"steps": [{"weight": 5}], "alignment_margin": 0.001}, "above its tolerance"),
        ({"steps": [{"weight": 5}], "speed": 1}, "Extra inputs"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CanaryPlan.model_validate(plan)


def test_without_something_to_compare_with_there_is_no_canary() -> None:
    check_canary(1, 2, frozenset())
    with pytest.raises(CanaryRefused, match="Nothing serves yet"):
        check_canary(None, 2, frozenset())
    with pytest.raises(CanaryRefused, match="Version 1 is served by somebody else"):
        check_canary(1, 2, frozenset({1}))


def chain(*changes: tuple[EntryKind, int | None, int]) -> list[Entry]:
    entries: list[Entry] = []
    for kind, before, after in changes:
        draft = Draft(
            generator="studio",
            scope="default",
            kind=kind,
            from_version=before,
            to_version=after,
            to_digest="sha256:" + "0" * 64,
            actor="ann",
            reason="",
        )
        entries.append(append(entries[-1] if entries else None, draft, NOON))
    return entries


def test_a_rollback_to_what_serves_only_calls_the_canary_off() -> None:
    unproven = [(EntryKind.PROMOTE, None, 1), (EntryKind.ACCEPT, 1, 1), (EntryKind.PROMOTE, 1, 2)]
    good = [*unproven, (EntryKind.ACCEPT, 2, 2)]
    assert is_way_back(chain(*good), None)
    assert is_way_back(chain(*unproven), 2)
    assert not is_way_back(chain(*unproven), None)
    assert not is_way_back(chain(*good), 1)

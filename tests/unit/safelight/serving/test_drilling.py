"""What a spare engine says about its version: that it can be gone back to, that it cannot, or nothing."""

import pytest

from safelight.serving.child import ChildStatus
from safelight.serving.drilling import outcome
from safelight.store.drills import DrillReason, DrillState
from safelight.store.engines import EngineState


def status(state: EngineState, detail: str = "") -> ChildStatus:
    return ChildStatus(state, heard_at=0.0, detail=detail)


@pytest.mark.parametrize(
    ("detail", "state", "reason"),
    [
        ("VersionCorrupt: Version 1 of 'studio' is not what was registered", DrillState.FAILED, DrillReason.CORRUPT),
        ("UnknownVersion: Generator 'studio' has no version 1", DrillState.FAILED, DrillReason.CORRUPT),
        ("ValueError: golden_different: the golden prompt 'x'", DrillState.FAILED, DrillReason.GOLDEN_FAILED),
        ("KeyError: 'unet'", DrillState.FAILED, DrillReason.DOES_NOT_LOAD),
        ("OutOfMemoryError: CUDA out of memory", None, DrillReason.NO_ROOM),
        ("StoreUnavailable: The version store did not answer", None, DrillReason.INTERRUPTED),
        ("the process ended by itself (signal 9)", None, DrillReason.INTERRUPTED),
    ],
)
def test_a_failure_is_the_versions_only_where_it_says_so(
    detail: str, state: DrillState | None, reason: DrillReason
) -> None:
    found = outcome(status(EngineState.FAILED, detail))
    assert found is not None
    assert (found.state, found.reason, found.detail) == (state, reason, detail)


def test_one_that_ends_without_a_word_again_and_again_does_not_load() -> None:
    ended = status(EngineState.FAILED, "the process ended by itself (signal 11)")
    said = [outcome(ended, silent_before=n) for n in range(3)]
    assert [each.state for each in said if each] == [None, None, DrillState.FAILED]


def test_one_that_is_under_way_says_nothing_yet() -> None:
    for state in (EngineState.STARTING, EngineState.STANDBY, EngineState.DRAINING):
        assert outcome(status(state)) is None


def test_one_that_is_ready_has_passed_and_one_that_made_room_has_not_failed() -> None:
    passed, let_go = (outcome(status(state)) for state in (EngineState.READY, EngineState.STOPPED))
    assert passed is not None
    assert passed.state is DrillState.PASSED
    assert let_go is not None
    assert (let_go.state, let_go.reason) == (None, DrillReason.NO_ROOM)

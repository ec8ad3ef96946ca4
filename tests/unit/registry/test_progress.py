"""A release moves only as its kind allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.ledger import EntryKind
from registry.progress import OPEN, Event, IllegalTransition, State, transition

PROMOTE, ROLLBACK = EntryKind.PROMOTE, EntryKind.ROLLBACK


def walk(kind: EntryKind, *events: Event) -> State:
    state = State.REQUESTED
    for event in events:
        state = transition(kind, state, event)
    return state


def test_a_promote_is_loaded_and_checked_before_it_flips() -> None:
    path = (Event.PREPARE, Event.VERIFY, Event.FLIP, Event.ARRIVE, Event.ACCEPT)
    assert walk(PROMOTE, *path) is State.ACCEPTED


def test_a_warm_rollback_flips_first() -> None:
    assert walk(ROLLBACK, Event.FLIP, Event.ARRIVE) is State.SERVING


def test_a_cold_rollback_loads_and_flips_unchecked() -> None:
    assert walk(ROLLBACK, Event.PREPARE, Event.FLIP, Event.ARRIVE, Event.ACCEPT) is State.ACCEPTED


@pytest.mark.parametrize("events", [(), (Event.PREPARE,)])
def test_a_promote_never_flips_unchecked(events: tuple[Event, ...]) -> None:
    state = walk(PROMOTE, *events)
    with pytest.raises(IllegalTransition) as refused:
        transition(PROMOTE, state, Event.FLIP)
    assert refused.value.code == "release_transition_illegal"
    assert f"A promote that is {state} cannot flip" in refused.value.message


@pytest.mark.parametrize("state", [State.FLIPPING, State.SERVING])
@pytest.mark.parametrize("kind", [PROMOTE, ROLLBACK])
def test_nothing_is_called_off_after_the_flip(kind: EntryKind, state: State) -> None:
    with pytest.raises(IllegalTransition):
        transition(kind, state, Event.ABORT)


@pytest.mark.parametrize("state", sorted(set(State) - OPEN))
@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("kind", [PROMOTE, ROLLBACK])
def test_what_is_over_is_over(kind: EntryKind, state: State, event: Event) -> None:
    with pytest.raises(IllegalTransition, match="it is over"):
        transition(kind, state, event)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_whatever_is_open_can_fail_and_be_superseded(state: State) -> None:
    assert transition(PROMOTE, state, Event.FAIL) is State.FAILED
    assert transition(PROMOTE, state, Event.SUPERSEDE) is State.SUPERSEDED


CANARY = (Event.PREPARE, Event.VERIFY, Event.BEGIN)


def test_a_canary_steps_pauses_and_resumes_before_it_flips() -> None:
    path = (*CANARY, Event.STEP, Event.PAUSE, Event.RESUME, Event.PAUSE, Event.STEP, Event.FLIP, Event.ARRIVE)
    assert walk(PROMOTE, *path) is State.SERVING
    assert walk(PROMOTE, *CANARY, Event.PAUSE, Event.FLIP) is State.FLIPPING


@pytest.mark.parametrize("events", [CANARY, (*CANARY, Event.STEP), (*CANARY, Event.PAUSE)])
def test_a_canary_is_called_off_at_any_moment(events: tuple[Event, ...]) -> None:
    assert walk(PROMOTE, *events, Event.ABORT) is State.ABORTED


@pytest.mark.parametrize("events", [(), (Event.PREPARE,), (Event.PREPARE, Event.FLIP)])
def test_a_rollback_never_waits_for_a_canary(events: tuple[Event, ...]) -> None:
    with pytest.raises(IllegalTransition):
        walk(ROLLBACK, *events, Event.BEGIN)


_AGAIN = {Event.STEP, Event.PAUSE, Event.RESUME}
"""What may happen to one release any number of times."""


@given(kind=st.sampled_from([PROMOTE, ROLLBACK]), events=st.lists(st.sampled_from(Event), max_size=16))
def test_every_release_ends_and_serves_only_after_a_flip(kind: EntryKind, events: list[Event]) -> None:
    state, taken = State.REQUESTED, []
    for event in events:
        try:
            state = transition(kind, state, event)
        except IllegalTransition:
            continue
        taken.append(event)
    once = [event for event in taken if event not in _AGAIN]
    assert len(once) == len(set(once)) <= 6
    assert not _AGAIN & set(taken) or Event.BEGIN in taken
    if state in {State.SERVING, State.ACCEPTED} and Event.DECLARE not in taken:
        assert Event.FLIP in taken
        assert kind is ROLLBACK or Event.VERIFY in taken


@pytest.mark.parametrize("kind", [PROMOTE, ROLLBACK])
def test_what_is_served_elsewhere_is_declared_and_flips_at_once(kind: EntryKind) -> None:
    assert walk(kind, Event.DECLARE, Event.ARRIVE, Event.ACCEPT) is State.ACCEPTED


def test_nothing_is_declared_once_an_engine_prepares_it() -> None:
    with pytest.raises(IllegalTransition):
        walk(PROMOTE, Event.PREPARE, Event.DECLARE)

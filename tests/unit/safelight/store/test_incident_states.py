"""An incident goes no way but those of the table."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import Kind, SafelightError
from safelight.store.incident_states import IncidentState, IncidentStep, follow, possible

steps = st.lists(st.sampled_from(IncidentStep), max_size=30)


@given(steps)
def test_only_what_is_possible_happens_and_the_rest_is_refused(asked: list[IncidentStep]) -> None:
    state, done = IncidentState.TRIGGERED, []
    for step in asked:
        if step in possible(state):
            state = follow(state, step)
            done.append(step)
        else:
            with pytest.raises(SafelightError) as refusal:
                follow(state, step)
            assert (refusal.value.kind, refusal.value.code) == (Kind.CONFLICT, "incident_transition_illegal")
    # It ends and begins again in turn, and is taken charge of at most once in between.
    turns = [step for step in done if step is not IncidentStep.ACKNOWLEDGE]
    assert turns == [IncidentStep.RESOLVE, IncidentStep.REOPEN] * (len(turns) // 2) + turns[len(turns) // 2 * 2 :]
    assert not any(pair == (IncidentStep.ACKNOWLEDGE, IncidentStep.ACKNOWLEDGE) for pair in pairwise(done))
    assert (state is IncidentState.RESOLVED) == (len(turns) % 2 == 1)


@given(st.sampled_from(IncidentState))
def test_from_every_state_there_is_a_way_to_the_end_and_back(state: IncidentState) -> None:
    if state is not IncidentState.RESOLVED:
        state = follow(state, IncidentStep.RESOLVE)
    assert possible(state) == (IncidentStep.REOPEN,)
    assert follow(state, IncidentStep.REOPEN) is IncidentState.TRIGGERED


def test_a_refusal_says_what_can_be_done() -> None:
    with pytest.raises(SafelightError, match="What it can: reopen"):
        follow(IncidentState.RESOLVED, IncidentStep.ACKNOWLEDGE)

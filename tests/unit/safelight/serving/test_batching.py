"""Batches hold what fits together, wait no longer than they may and starve nobody."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.parameters import GenerationParameters
from safelight.serving.batching import Batch, Pause, Waiting, Window, compatible, next_batch
from safelight.serving.fairness import Turns
from safelight.serving.pace import Pace

PLAIN = GenerationParameters(
    prompt="a cat", negative_prompt="", width=64, height=64, steps=8, guidance=3.0, n=1, seed=1
)  # fmt: skip
WINDOW = Window(max_batch=4, max_wait=0.015)


def waiting(parameters: GenerationParameters = PLAIN, arrived: float = 0.0, **more: Any) -> Waiting:
    return Waiting(parameters, arrived, deadline=1000.0, **more)


def busy(gap: float = 0.004, *, last: float = 10.0, step: float = 1.0) -> Pace:
    """Requests follow one another so closely, and a step takes so long."""
    pace = Pace()
    for number in range(9):
        pace.arrived(number, last - (8 - number) * gap)
    pace.rendered(PLAIN, step * PLAIN.steps)
    return pace


def decide(
    queue: Sequence[Waiting], now: float, pace: Pace | None = None, window: Window = WINDOW, turns: Turns | None = None
) -> Batch | Pause:
    return next_batch(queue, now, window, turns or Turns(), pace or busy())


def test_where_requests_follow_closely_one_waits_for_company_and_no_longer() -> None:
    assert decide([waiting(arrived=10.0)], 10.005) == Pause(10.0 + 0.015 - 10.005)
    assert decide([waiting(arrived=10.0)], 10.015) == Batch((0,))


def test_nobody_waits_where_nobody_is_expected() -> None:
    for pace in (Pace(), busy(gap=0.1)):
        assert decide([waiting(arrived=10.0)], 10.0, pace) == Batch((0,))


def test_company_is_waited_for_no_longer_than_a_step_takes() -> None:
    pace = busy(step=0.008)
    assert decide([waiting(arrived=10.0)], 10.0, pace) == Pause(10.008 - 10.0)
    assert decide([waiting(arrived=10.0)], 10.0, busy(step=0.001)) == Batch((0,))


def test_once_the_usual_gaps_are_over_those_who_came_go() -> None:
    pace = busy(gap=0.002, last=10.001)
    assert decide([waiting(arrived=10.0)] * 2, 10.008, pace) == Pause(10.001 + 4 * pace.gap - 10.008)
    assert decide([waiting(arrived=10.0)] * 2, 10.0091, pace) == Batch((0, 1))


def test_the_other_images_of_a_request_are_waited_for_also_on_a_quiet_engine() -> None:
    pair = [waiting(arrived=10.0, siblings=3)] * 2
    assert decide(pair, 10.005, Pace()) == Pause(10.0 + 0.015 - 10.005)
    assert decide(pair, 10.015, Pace()) == Batch((0, 1))
    assert decide([*pair, pair[0]], 10.0, Pace()) == Batch((0, 1, 2))
    assert decide([waiting(arrived=10.0, siblings=9)] * 4, 10.0, Pace()) == Batch((0, 1, 2, 3))


def test_a_full_batch_does_not_wait() -> None:
    assert decide([waiting(arrived=10.0)] * 5, 10.0) == Batch((0, 1, 2, 3))


def test_a_batch_is_full_with_what_fits_into_the_memory() -> None:
    pace = busy()
    pace.ran_out_of_memory(PLAIN, 4)
    assert decide([waiting(arrived=10.0)] * 5, 10.0, pace) == Batch((0, 1))


def test_the_oldest_leads_even_when_others_could_fill_a_batch() -> None:
    lonely = waiting(replace(PLAIN, width=128), arrived=10.0)
    pace = busy()
    pace.rendered(lonely.parameters, 8.0)
    queue = [lonely, *[waiting(arrived=10.001)] * 4]
    assert isinstance(decide(queue, 10.002, pace), Pause)
    assert decide(queue, 10.02, pace) == Batch((0,))


def test_keys_take_turns_at_leading_and_in_the_batch() -> None:
    turns = Turns()
    many, few = [waiting(account="many")] * 6, [waiting(account="few")] * 2
    assert decide([*many, *few], 1.0, turns=turns) == Batch((0, 6, 1, 7))
    turns.give([many[0]] * 3)
    assert decide([*many, *few], 1.0, turns=turns) == Batch((6, 7, 0, 1))


def test_a_key_that_was_served_much_lets_another_lead_even_alone() -> None:
    turns = Turns()
    turns.give([waiting(account="many")])
    rare = waiting(replace(PLAIN, width=128), account="few")
    assert decide([*[waiting(account="many")] * 6, rare], 1.0, turns=turns) == Batch((6,))


@pytest.mark.parametrize(
    "changed", [{"width": 128}, {"height": 128}, {"steps": 4}, {"guidance": 2.0}, {"negative_prompt": "blur"}]
)
def test_what_a_pipeline_takes_once_for_a_whole_batch_must_agree(changed: dict[str, Any]) -> None:
    assert not compatible(PLAIN, replace(PLAIN, **changed))


def test_prompts_and_seeds_may_differ_within_a_batch() -> None:
    assert compatible(PLAIN, replace(PLAIN, prompt="a dog", seed=7))
    unwanted = replace(PLAIN, negative_prompt="blur")
    assert compatible(unwanted, replace(unwanted, negative_prompt="noise"))


def test_people_go_before_background_requests_and_share_no_batch_with_them() -> None:
    queue = [waiting(arrived=10.0, defer=5.0), waiting(arrived=11.0), waiting(arrived=11.0, defer=5.0)]
    assert decide(queue, 11.02, Pace()) == Batch((1,))
    assert decide([queue[0], queue[2]], 11.02, Pace()) == Batch((0, 1))


def test_a_background_request_that_has_waited_long_gets_its_turn() -> None:
    queue = [waiting(arrived=10.0, defer=5.0), waiting(arrived=14.9)]
    assert decide(queue, 15.0, Pace()) == Batch((0,))


PARAMETERS = st.builds(
    replace,
    st.just(PLAIN),
    width=st.sampled_from([64, 128]),
    height=st.sampled_from([64, 128]),
    steps=st.sampled_from([2, 8]),
    guidance=st.sampled_from([1.0, 3.0]),
)


@given(st.lists(PARAMETERS, min_size=1, max_size=12), st.integers(1, 8))
def test_a_batch_is_of_one_kind_holds_the_oldest_and_leaves_out_nobody_in_between(
    requests: list[GenerationParameters], max_batch: int
) -> None:
    queue = [waiting(each, arrived=float(place)) for place, each in enumerate(requests)]
    decision = decide(queue, 1000.0, window=Window(max_batch, 0.015))
    assert isinstance(decision, Batch)
    kin = [place for place, each in enumerate(requests) if compatible(requests[0], each)]
    assert list(decision.places) == kin[:max_batch]

"""Batches hold what fits together, wait no longer than they may and starve nobody."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from registry.parameters import GenerationParameters
from safelight.serving.batching import Batch, Pause, Waiting, Window, compatible, next_batch

PLAIN = GenerationParameters(
    prompt="a cat", negative_prompt="", width=64, height=64, steps=8, guidance=3.0, n=1, seed=1
)  # fmt: skip
WINDOW = Window(max_batch=4, max_wait=0.015)


def waiting(parameters: GenerationParameters = PLAIN, arrived: float = 0.0, defer: float = 0.0) -> Waiting:
    return Waiting(parameters, arrived, deadline=1000.0, defer=defer)


def test_a_lone_request_waits_for_company_and_no_longer() -> None:
    assert next_batch([waiting(arrived=10.0)], 10.005, WINDOW) == Pause(10.0 + 0.015 - 10.005)
    assert next_batch([waiting(arrived=10.0)], 10.015, WINDOW) == Batch((0,))


def test_a_full_batch_does_not_wait() -> None:
    assert next_batch([waiting(arrived=10.0)] * 5, 10.0, WINDOW) == Batch((0, 1, 2, 3))


def test_the_oldest_leads_even_when_others_could_fill_a_batch() -> None:
    lonely = waiting(replace(PLAIN, width=128), arrived=10.0)
    queue = [lonely, *[waiting(arrived=10.001)] * 4]
    assert isinstance(next_batch(queue, 10.002, WINDOW), Pause)
    assert next_batch(queue, 10.02, WINDOW) == Batch((0,))


def test_prompts_and_seeds_may_differ_within_a_batch() -> None:
    assert compatible(PLAIN, replace(PLAIN, prompt="a dog", negative_prompt="blur", seed=7))


def test_people_go_before_background_requests_and_share_no_batch_with_them() -> None:
    queue = [waiting(arrived=10.0, defer=5.0), waiting(arrived=11.0), waiting(arrived=11.0, defer=5.0)]
    assert next_batch(queue, 11.02, WINDOW) == Batch((1,))
    assert next_batch([queue[0], queue[2]], 11.02, WINDOW) == Batch((0, 1))


def test_a_background_request_that_has_waited_long_gets_its_turn() -> None:
    queue = [waiting(arrived=10.0, defer=5.0), waiting(arrived=14.9)]
    assert next_batch(queue, 15.0, WINDOW) == Batch((0,))


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
    decision = next_batch(queue, now=1000.0, window=Window(max_batch, 0.015))
    assert isinstance(decision, Batch)
    kin = [place for place, each in enumerate(requests) if compatible(requests[0], each)]
    assert list(decision.places) == kin[:max_batch]

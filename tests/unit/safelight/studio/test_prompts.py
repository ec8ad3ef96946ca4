from collections import Counter
from collections.abc import Callable
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.parameters import Defaults, Limits, Requested, resolve
from safelight.studio.prompts import EVERYDAY, FESTIVAL, PromptMix, PromptRequest, prompt_stream, topic_weights
from safelight.studio.scenes import plural


def requests(count: int, seed: int = 1, mix: PromptMix = EVERYDAY, hour: float = 12.0) -> list[PromptRequest]:
    return list(islice(prompt_stream(seed, mix, lambda: hour), count))


def share(stream: list[PromptRequest], holds: Callable[[PromptRequest], bool]) -> float:
    return sum(map(holds, stream)) / len(stream)


def naming(*names: str) -> Callable[[PromptRequest], bool]:
    words = {*names, *map(plural, names)}
    return lambda request: not words.isdisjoint(request.prompt.split())


def test_one_seed_gives_one_stream() -> None:
    assert requests(500) == requests(500)
    assert requests(500) != requests(500, seed=2)


@pytest.mark.parametrize("mix", [EVERYDAY, FESTIVAL])
def test_every_request_is_legal(mix: PromptMix) -> None:
    defaults = Defaults(steps=8, guidance=3.0, width=64, height=64)
    limits = Limits(min_side=64, max_side=64, max_steps=50, max_guidance=15.0, max_prompt_length=2000, max_n=4)
    for request in requests(3000, mix=mix):
        asked = Requested(
            prompt=request.prompt, seed=request.seed, n=request.n, steps=request.steps, guidance=request.guidance
        )
        assert resolve(asked, defaults, limits, fallback_seed=0).seed == request.seed


def test_favourites_repeat_as_zipf_says_with_fresh_seeds() -> None:
    stream = requests(6000)
    counts = [count for _, count in Counter(request.prompt for request in stream).most_common(20)]
    assert counts[0] > 1.4 * counts[1] > 1.4 * counts[4]
    assert 0.01 < counts[0] / len(stream) < 0.12
    favourite = Counter(request.prompt for request in stream).most_common(1)[0][0]
    seeds = [request.seed for request in stream if request.prompt == favourite]
    assert len(set(seeds)) > 0.9 * len(seeds)


def test_lost_answers_are_asked_for_again_exactly() -> None:
    stream = requests(6000)
    again = sum(first == second for first, second in pairwise(stream)) / len(stream)
    assert again == pytest.approx(EVERYDAY.retry, abs=0.01)


def test_odd_input_is_rare_and_varied() -> None:
    odd = [request for request in requests(6000) if not request.prompt.isascii() or len(request.prompt) > 200]
    assert 10 < len(odd) < 120
    assert len({request.prompt for request in odd}) >= 3


def test_some_ask_for_several_images_or_other_parameters() -> None:
    stream = requests(6000)
    assert {request.n for request in stream} == {1, 2, 4}
    assert 0.02 < share(stream, lambda request: request.steps is not None) < 0.08
    assert 0.02 < share(stream, lambda request: request.guidance is not None) < 0.08


def test_topics_follow_the_day() -> None:
    morning, evening = requests(4000, hour=9.0), requests(4000, hour=20.0)
    assert share(morning, naming("tulip")) > 1.2 * share(evening, naming("tulip"))
    assert share(evening, naming("crown")) > 1.2 * share(morning, naming("crown"))


def test_festival_asks_for_other_things() -> None:
    everyday, festival = requests(4000), requests(4000, mix=FESTIVAL)
    festive = naming("balloon", "heart", "bell", "crown", "ghost")
    assert share(festival, festive) > 1.5 * share(everyday, festive)
    town = naming("car", "house", "umbrella", "cup", "key", "rocket")
    assert share(festival, town) < 0.6 * share(everyday, town)


@given(st.floats(0, 24))
def test_no_topic_ever_dies_out(hour: float) -> None:
    assert all(weight > 0 for weight in topic_weights(EVERYDAY, hour).values())

"""Typical words: what sets a cluster apart, not what everybody says."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitors.topics import typical_words

ANIMALS = ["a photo of a cat asleep", "a photo of a cat and a dog", "a photo of a dog in snow", "a photo of a fish"]
CARS = ["a photo of a red car", "a photo of an old car", "a photo of a fast car on a road", "a photo of a road"]
BOTH = ANIMALS + CARS
PLACES = np.array([0] * len(ANIMALS) + [1] * len(CARS))


def test_a_cluster_is_named_by_what_sets_it_apart() -> None:
    animals, cars = typical_words(BOTH, PLACES, 2)
    assert animals == ("cat", "dog")
    assert cars == ("car", "road")


def test_a_prompt_that_is_repeated_counts_once() -> None:
    viral = ["a photo of a fish"] * 50
    places = np.concatenate([PLACES, np.zeros(50, int)])
    assert typical_words(BOTH + viral, places, 2) == typical_words(BOTH, PLACES, 2)


def test_a_cluster_without_prompts_or_without_words_of_its_own_has_none() -> None:
    assert typical_words(["same words"] * 2 + ["same words too"], np.array([0, 0, 2]), 3) == [(), (), ()]
    assert typical_words([], np.zeros(0, int), 2) == [(), ()]


@given(st.lists(st.tuples(st.text("abc é1_-", max_size=20), st.integers(0, 3)), max_size=30), st.randoms())
def test_order_does_not_matter(asked: list[tuple[str, int]], random: Random) -> None:
    asked = list(dict(asked).items())
    shuffled = random.sample(asked, len(asked))
    found = [
        typical_words([prompt for prompt, _ in order], np.array([place for _, place in order], int), 4)
        for order in (asked, shuffled)
    ]
    assert found[0] == found[1]

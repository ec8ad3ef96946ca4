"""What the clusters of a lens are about, in the words people used."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]{2,}")
_MOST_WORDS = 5
_FEWEST_PROMPTS = 2  # that share a word before it says anything of a cluster


def typical_words(prompts: Sequence[str], cluster: NDArray[np.intp], clusters: int) -> list[tuple[str, ...]]:
    """The words that set each of `clusters` apart from all prompts together, the most typical first; at most five.

    `cluster` [n] is where each prompt falls. A prompt that is repeated counts once. Words are ranked by their term of
    the Kullback-Leibler divergence between the cluster's share of prompts with the word and the overall one: frequent
    here, and rarer elsewhere. A cluster whose words are everybody's has none.
    """
    members = [Counter[str]() for _ in range(clusters)]
    sizes = [0] * clusters
    for prompt, place in dict(zip(prompts, cluster.tolist(), strict=True)).items():
        members[place].update(set(_WORD.findall(prompt.lower())))
        sizes[place] += 1
    everywhere = sum(members, Counter[str]())
    total = max(1, sum(sizes))
    return [_most_typical(words, size, everywhere, total) for words, size in zip(members, sizes, strict=True)]


def _most_typical(words: Counter[str], size: int, everywhere: Counter[str], total: int) -> tuple[str, ...]:
    weight = {
        word: count / size * math.log(count / size * total / everywhere[word])
        for word, count in words.items()
        if count >= _FEWEST_PROMPTS
    }
    ranked = sorted((word for word, w in weight.items() if w > 0), key=lambda word: (-weight[word], word))
    return tuple(ranked[:_MOST_WORDS])

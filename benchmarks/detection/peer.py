"""One peer in a process of its own: `python -m benchmarks.detection.peer METHOD SECONDS`.

Reads a pair of .npy files per line, reference and current, and answers each with a line of JSON: the score (higher is
more drift) and the processor time it took, or what it failed of. An answer that takes more than SECONDS of processor
time ends the process by SIGPROF. It needs nothing but numpy and the peer's own library, so it runs in the environment
of any of them.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

GIGABYTE = 1 << 30
MEMORY_LIMIT = 8 * GIGABYTE
SECONDS_LIMIT = 120.0
PERMUTATIONS = 719
"""With the window's own, 720 orders: the least p-value is the level of an hourly test at one alarm in 30 days."""

Rows = NDArray[np.float32]
Score = Callable[[Rows, Rows], float]


def exact_mmd() -> Score:
    """Minus the p-value of a permutation test of the squared maximum mean discrepancy (Gretton et al. 2012)."""

    def score(reference: Rows, current: Rows) -> float:
        rng = np.random.default_rng(0)
        rows = np.concatenate([current, reference])
        n, m = len(current), len(reference)
        squares = (rows**2).sum(axis=1)
        kernel = squares[:, None] + squares - 2.0 * (rows @ rows.T)
        np.maximum(kernel, 0.0, out=kernel)
        some = rng.integers(0, len(rows), (2, 10_000))
        kernel *= -1.0 / float(np.median(kernel[some[0], some[1]]))
        np.exp(kernel, out=kernel)
        # Of weights 1/n for the window and -1/m for the reference the statistic is a quadratic form (diagonal included:
        # it adds the same to every order).
        weights = np.repeat(np.array([1.0 / n, -1.0 / m], np.float32), [n, m])
        orders = np.stack([weights, *(rng.permutation(weights) for _ in range(PERMUTATIONS))], axis=1)
        statistics = (orders * (kernel @ orders)).sum(axis=0)
        return -float((statistics >= statistics[0]).mean())

    return score


def evidently(method: str) -> Score:
    """The score of one of Evidently's embedding drift methods, with its defaults."""
    import pandas as pd
    from evidently.legacy.metrics.data_drift import embedding_drift_methods as methods

    drift = getattr(methods, method)()

    def score(reference: Rows, current: Rows) -> float:
        names = [f"d{i}" for i in range(reference.shape[1])]
        found, _, _ = drift(pd.DataFrame(current, columns=names), pd.DataFrame(reference, columns=names))
        return float(found)

    return score


def alibi_detect(permutations: int) -> Score:
    """The distance that alibi-detect's MMDDrift tests by permutation."""
    import torch
    from alibi_detect.cd import MMDDrift  # type: ignore[import-not-found]  # in an environment of its own

    torch.set_num_threads(1)

    def score(reference: Rows, current: Rows) -> float:
        detector = MMDDrift(reference, backend="pytorch", n_permutations=permutations)
        return float(detector.predict(current)["data"]["distance"])

    return score


METHODS: dict[str, Callable[[], Score]] = {
    "exact MMD": exact_mmd,
    "Evidently mmd": lambda: evidently("mmd"),
    "Evidently model": lambda: evidently("model"),
    "Evidently ratio": lambda: evidently("ratio"),
    "Evidently distance": lambda: evidently("distance"),
    "alibi-detect MMDDrift": lambda: alibi_detect(100),
    # Its permutations cost most of its time and do not touch its distance, which is what a threshold is set on.
    "alibi-detect MMDDrift, distance only": lambda: alibi_detect(1),
}


def answer(score: Score, reference: str, current: str) -> dict[str, Any]:
    now, then = np.load(current), np.load(reference)
    started = time.process_time()
    try:
        found = score(then, now)
    except (MemoryError, RuntimeError) as error:  # torch reports a failed allocation as a RuntimeError
        return {"failed": " ".join(str(error).split())}
    return {"score": found, "seconds": time.process_time() - started}


def main() -> None:
    method, seconds = sys.argv[1], float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    score = METHODS[method]()
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        print(json.dumps(answer(score, *json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()

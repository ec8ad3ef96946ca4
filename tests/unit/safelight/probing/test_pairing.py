"""Pairs of two versions: what is compared, and with what."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from safelight.probing.outputs import Images
from safelight.probing.pairing import paired
from safelight.probing.sets import Probe
from safelight.store.probe_images import ScoredProbe

N = 40
PROBES = [Probe(prompt=f"a ball number {place}", seed=place) for place in range(N)]


def made(alignment: float = 0.8, engine_ms: float = 100.0, batch_size: int = 4) -> dict[int, ScoredProbe]:
    rng = np.random.default_rng(5)
    return {
        place: ScoredProbe(
            place=place,
            repeat=0,
            generation_id=UUID(int=place),
            outcome="served",
            error_code=None,
            image_key=None,
            sha256=None,
            scored=True,
            bad=False,
            alignment=alignment + 0.01 * float(rng.standard_normal()),
            image=np.array([1.0, 0.0], np.float32),
            prompt=np.array([1.0, 0.0], np.float32),
            engine_ms=engine_ms,
            batch_size=batch_size,
        )
        for place in range(N)
    }


def changed(images: Images, places: range, **fields: object) -> Images:
    return {
        place: replace(image, **fields) if place in places else image  # type: ignore[arg-type]  # fields by name
        for place, image in images.items()
    }


def test_equal_outputs_are_equal() -> None:
    found = paired(1, made(), made(), PROBES, range(N))
    assert (found.against, found.asked, found.compared) == (1, N, N)
    for change in (found.alignment, found.broken_rate, found.latency, found.cost):
        assert change is not None
        assert change.value == pytest.approx(0.0)
        assert change.low <= 0.0 <= change.high
    assert found.diversity is None  # 40 images are too few to tell


def test_a_loss_of_alignment_is_negative() -> None:
    found = paired(1, made(0.7), made(0.8), PROBES, range(N))
    assert found.alignment is not None
    assert found.alignment.high < -0.09


def test_what_breaks_counts_against_it_and_what_was_lost_says_nothing() -> None:
    worse = changed(made(), range(5), bad=True, image=None, alignment=None)
    found = paired(
        1, changed(worse, range(35, 40), outcome="failed", error_code="engine_lost"), made(), PROBES, range(N)
    )
    assert found.compared == 35
    assert found.broken_rate is not None
    assert found.broken_rate.value == pytest.approx(5 / 35)
    assert found.alignment is not None
    assert found.alignment.n == 30


def test_latency_is_compared_in_batches_of_one_size_only() -> None:
    found = paired(1, made(engine_ms=150.0, batch_size=8), made(), PROBES, range(N))
    assert found.latency is None
    assert found.cost is not None
    assert found.cost.value == pytest.approx(-0.25)


def test_without_times_there_are_none() -> None:
    untold = changed(made(), range(N), engine_ms=None)
    found = paired(1, untold, made(), PROBES, range(N))
    assert (found.latency, found.cost) == (None, None)

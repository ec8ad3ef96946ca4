from itertools import islice
from random import Random
from types import SimpleNamespace

import pytest
import torch

from safelight.studio.training.scene_batches import Batch, batches

CPU = torch.device("cpu")


def make(rng: Random) -> Batch:
    return torch.tensor([rng.random() for _ in range(4)]), torch.tensor([rng.randrange(9)])


def first(seed: int) -> list[list[float]]:
    return [batch[0].tolist() for batch in islice(batches(make, seed, workers=0, device=CPU), 3)]


def test_a_seed_gives_the_same_batches_and_no_batch_twice() -> None:
    assert first(seed=1) == first(seed=1) != first(seed=2)
    assert len({tuple(batch) for batch in first(seed=1)}) == 3


def test_each_worker_makes_batches_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for worker in (0, 1):
        monkeypatch.setattr(
            "safelight.studio.training.scene_batches.get_worker_info", lambda worker=worker: SimpleNamespace(id=worker)
        )
        made.append(first(seed=1))
    assert made[0] != made[1]

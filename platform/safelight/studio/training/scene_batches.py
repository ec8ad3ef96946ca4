"""Endless batches of rendered scenes, the same for the same seed: made here, or ahead of time by worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

Batch: TypeAlias = tuple[Tensor, ...]


class _Batches(IterableDataset[Batch]):
    def __init__(self, make: Callable[[Random], Batch], seed: int) -> None:
        self._make = make
        self._seed = seed

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = Random(f"{self._seed} {worker.id if worker else 0}")
        while True:
            yield self._make(rng)


def batches(make: Callable[[Random], Batch], seed: int, workers: int, device: torch.device) -> Iterator[Batch]:
    """What ``make`` makes, on ``device``. With workers it has to pickle, and they take turns."""
    loader = DataLoader(
        _Batches(make, seed),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,  # a forked process could not use the device
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        yield tuple(tensor.to(device, non_blocking=True) for tensor in batch)

"""PyTorch's own error, out of diffusers' call: the batch is halved and the others get their images."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from registry.parameters import GenerationParameters
from safelight.clock import SystemClock
from safelight.serving.batching import Window
from safelight.serving.pipeline import DiffusersPipeline
from safelight.serving.wire import Order
from safelight.serving.worker import BatchWorker, DoesNotFit

PLAIN = GenerationParameters(
    prompt="a cat", negative_prompt="", width=32, height=32, steps=1, guidance=1.0, n=1, seed=1
)  # fmt: skip


@dataclass
class _Small:
    """Has room for two images at a time, and for none of a prompt that is too much."""

    scheduler: object = None
    sizes: list[int] = field(default_factory=list)

    def __call__(self, prompt: list[str], **_arguments: Any) -> SimpleNamespace:
        self.sizes.append(len(prompt))
        if len(prompt) > 2 or "too much" in prompt:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return SimpleNamespace(images=np.full((len(prompt), 32, 32, 3), 0.5))


class _Call:
    accepted = frozenset({"prompt"})

    def arguments(self, batch: Sequence[GenerationParameters]) -> dict[str, Any]:
        return {"prompt": [each.prompt for each in batch]}


def test_an_error_of_pytorchs_costs_only_the_request_that_fits_nowhere() -> None:
    small = _Small()
    environment: dict[str, str | int] = {"device": "small", "dtype": "float32", "threads": 1}
    pipeline = DiffusersPipeline(small, cast(Any, _Call()), environment)

    async def story() -> None:
        async with BatchWorker(pipeline, Window(4, 1.0), SystemClock()) as worker:
            prompts = ["a cat", "a dog", "too much", "a bird"]
            orders = [
                Order(parameters=replace(PLAIN, prompt=prompt, seed=seed), seconds=30, siblings=4)
                for seed, prompt in enumerate(prompts)
            ]
            made = await asyncio.gather(*map(worker.submit, orders), return_exceptions=True)
            assert isinstance(made.pop(2), DoesNotFit)
            for answer in made:
                assert not isinstance(answer, BaseException)
                assert answer[1].startswith(b"\x89PNG")
            facts, _ = await worker.submit(Order(parameters=PLAIN, seconds=30))
            assert facts.batch_size == 1
            with pytest.raises(DoesNotFit):
                await worker.submit(Order(parameters=replace(PLAIN, prompt="too much"), seconds=30))

    asyncio.run(story())
    assert small.sizes == [4, 2, 2, 1, 1, 1, 1, 1]

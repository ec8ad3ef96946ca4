"""The engine's queue: batches form, the hopeless are dropped, one bad request costs nobody else theirs."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from registry.parameters import GenerationParameters
from safelight.clock import SystemClock
from safelight.serving.batching import Window
from safelight.serving.rendering import Finish, NoisePipeline, OutOfMemory, Rendered, RequestUnsupported, Stopped
from safelight.serving.wire import Order
from safelight.serving.worker import BatchWorker, DeadlinePassed, DoesNotFit, RenderingFailed

PLAIN = GenerationParameters(
    prompt="a cat", negative_prompt="", width=32, height=16, steps=1, guidance=1.0, n=1, seed=1
)  # fmt: skip


class _Gated:
    """Renders noise once its gate is open, and remembers what it was given."""

    environment: Mapping[str, str | int] = {"device": "noise", "dtype": "float32", "threads": 1}
    scheduler = "None"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []
        self.room = 100
        self.stopped = 0
        self.gave_up = threading.Event()

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        self.batches.append([each.seed for each in batch])
        self.entered.set()
        while not self.gate.wait(0.001):
            if is_stopped():
                self.stopped += 1
                self.gave_up.set()
                raise Stopped
        if len(batch) > self.room or any(each.prompt == "huge" for each in batch):
            raise OutOfMemory
        if any(each.negative_prompt for each in batch):
            raise RequestUnsupported("It takes no negative prompt.")
        if any(each.prompt == "poison" for each in batch):
            raise ArithmeticError("no image for this one")
        if any(each.prompt == "nan" for each in batch):
            return [Rendered(Finish.NOT_FINITE)]
        return NoisePipeline().render(batch, is_stopped)


def run(scene: Callable[[BatchWorker], Coroutine[Any, Any, None]], pipeline: _Gated, max_batch: int = 4) -> None:
    async def play() -> None:
        async with BatchWorker(pipeline, Window(max_batch, 0.0), SystemClock()) as worker:
            await scene(worker)

    asyncio.run(play())


def order(
    worker: BatchWorker, seed: int, prompt: str = "a cat", seconds: float = 30.0, **order: Any
) -> asyncio.Task[Any]:
    parameters = replace(PLAIN, seed=seed, prompt=prompt)
    return asyncio.create_task(worker.submit(Order(parameters=parameters, seconds=seconds, **order)))


def test_an_image_comes_back_as_png_with_how_it_was_made() -> None:
    pipeline = _Gated()
    pipeline.gate.set()

    async def scene(worker: BatchWorker) -> None:
        facts, png = await order(worker, 7)
        assert (facts.finish, facts.batch_size, facts.position, facts.scheduler) == (Finish.COMPLETE, 1, 0, "None")
        assert facts.environment == pipeline.environment
        [expected] = NoisePipeline().render([replace(PLAIN, seed=7)], lambda: False)
        assert expected.pixels is not None
        assert np.array_equal(np.asarray(Image.open(BytesIO(png))), expected.pixels)
        assert worker.in_flight == 0

    run(scene, pipeline)


def test_what_arrives_during_a_batch_makes_up_the_next() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0)
        await asyncio.to_thread(pipeline.entered.wait)
        others = [order(worker, seed) for seed in range(1, 7)]
        await asyncio.sleep(0)
        assert worker.in_flight == 7
        pipeline.gate.set()
        facts = [made[0] for made in await asyncio.gather(first, *others)]
        assert [(each.batch_size, each.position) for each in facts] == [
            (1, 0), (4, 0), (4, 1), (4, 2), (4, 3), (2, 0), (2, 1),
        ]  # fmt: skip

    run(scene, pipeline)
    assert pipeline.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_who_left_or_ran_out_of_time_never_reaches_the_pipeline() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0)
        await asyncio.to_thread(pipeline.entered.wait)
        gone, late, patient = order(worker, 1), order(worker, 2, seconds=0.001), order(worker, 3)
        await asyncio.sleep(0.01)
        gone.cancel()
        pipeline.gate.set()
        await asyncio.gather(first, patient)
        with pytest.raises(DeadlinePassed):
            await late

    run(scene, pipeline)
    assert pipeline.batches == [[0], [3]]


def test_a_batch_that_nobody_waits_for_is_given_up() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0)
        await asyncio.to_thread(pipeline.entered.wait)
        first.cancel()
        second = order(worker, 1)
        await asyncio.to_thread(pipeline.gave_up.wait)
        pipeline.gate.set()
        await second

    run(scene, pipeline)
    assert (pipeline.batches, pipeline.stopped) == ([[0], [1]], 1)


def test_a_deadline_that_passes_during_rendering_ends_it() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        with pytest.raises(DeadlinePassed):
            await order(worker, 0, seconds=0.02)

    run(scene, pipeline)
    assert pipeline.stopped == 1


def test_a_request_that_breaks_the_pipeline_costs_only_itself() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0)
        await asyncio.to_thread(pipeline.entered.wait)
        good, bad, other = order(worker, 1), order(worker, 2, "poison"), order(worker, 3)
        await asyncio.sleep(0)
        pipeline.gate.set()
        await asyncio.gather(first, good, other)
        with pytest.raises(RenderingFailed, match="ArithmeticError"):
            await bad

    run(scene, pipeline)
    assert pipeline.batches == [[0], [1, 2, 3], [1], [2], [3]]


def test_an_image_that_is_not_finite_is_told_without_a_png() -> None:
    pipeline = _Gated()
    pipeline.gate.set()

    async def scene(worker: BatchWorker) -> None:
        facts, png = await order(worker, 0, "nan")
        assert (facts.finish, png) == (Finish.NOT_FINITE, b"")

    run(scene, pipeline)


def test_a_background_request_waits_until_nobody_else_does() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 1)
        await asyncio.to_thread(pipeline.entered.wait)
        behind, ahead = order(worker, 2, defer=60.0), order(worker, 3)
        await asyncio.sleep(0)
        pipeline.gate.set()
        await asyncio.gather(first, behind, ahead)

    run(scene, pipeline)
    assert pipeline.batches == [[1], [3], [2]]


def test_a_batch_that_does_not_fit_is_halved_and_no_such_batch_is_tried_again() -> None:
    pipeline = _Gated()
    pipeline.room = 2

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0)
        await asyncio.to_thread(pipeline.entered.wait)
        others = [order(worker, seed) for seed in range(1, 7)]
        await asyncio.sleep(0)
        pipeline.gate.set()
        facts = [made[0] for made in await asyncio.gather(first, *others)]
        assert [each.batch_size for each in facts] == [1, 2, 2, 2, 2, 2, 2]

    run(scene, pipeline)
    assert pipeline.batches == [[0], [1, 2, 3, 4], [1, 2], [3, 4], [5, 6]]


def test_a_request_that_fits_nowhere_fails_alone() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0)
        await asyncio.to_thread(pipeline.entered.wait)
        good, huge, other = order(worker, 1), order(worker, 2, "huge"), order(worker, 3)
        await asyncio.sleep(0)
        pipeline.gate.set()
        await asyncio.gather(first, good, other)
        with pytest.raises(DoesNotFit):
            await huge
        with pytest.raises(DoesNotFit):
            await order(worker, 4, "huge")

    run(scene, pipeline)
    assert pipeline.batches == [[0], [1, 2, 3], [1, 2], [1], [2], [3], [4], [4]]


def test_what_the_version_cannot_do_is_told_in_its_words() -> None:
    pipeline = _Gated()
    pipeline.gate.set()

    async def scene(worker: BatchWorker) -> None:
        with pytest.raises(RequestUnsupported, match="no negative prompt"):
            await worker.submit(Order(parameters=replace(PLAIN, negative_prompt="blur"), seconds=30))

    run(scene, pipeline)


def test_a_key_with_many_waiting_does_not_hold_up_another() -> None:
    pipeline = _Gated()

    async def scene(worker: BatchWorker) -> None:
        first = order(worker, 0, account="greedy")
        await asyncio.to_thread(pipeline.entered.wait)
        many = [order(worker, seed, account="greedy") for seed in range(1, 21)]
        few = [order(worker, seed, account="modest") for seed in (100, 101)]
        await asyncio.sleep(0)
        pipeline.gate.set()
        await asyncio.gather(first, *many, *few)

    run(scene, pipeline)
    assert {100, 101} <= set(pipeline.batches[1])
    assert sorted(seed for batch in pipeline.batches for seed in batch) == [*range(21), 100, 101]

"""An engine's queue: orders come in, batches go through the pipeline on one thread, PNGs come out."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from safelight.clock import Clock
from safelight.serving.batching import Batch, Waiting, Window, next_batch
from safelight.serving.environment import environment_digest
from safelight.serving.fairness import Turns
from safelight.serving.pace import Pace
from safelight.serving.png import encode_png
from safelight.serving.rendering import OutOfMemory, Pipeline, Rendered, RequestUnsupported, Stopped
from safelight.serving.wire import Facts, Order, Progress

logger = logging.getLogger(__name__)

# A megapixel takes a core some 8 ms: one after the other, the last of a batch of 32 would wait a quarter of a second.
_ENCODED_AT_ONCE = 4


class DeadlinePassed(Exception):
    """The image was not made in the time its request gave."""


class RenderingFailed(Exception):
    """The pipeline raised an error on this request, also when it had a batch to itself."""


class DoesNotFit(Exception):
    """The device's memory does not hold this request, also when it had a batch to itself."""


@dataclass(eq=False)
class _Ticket:
    waiting: Waiting
    answer: asyncio.Future[tuple[Facts, bytes]]
    """Cancelled when nobody waits for the image any more."""
    steps_done: int = 0


class BatchWorker:
    """Use it inside `async with`: leaving ends the worker and whatever still waits.

    Nothing whose caller has gone or whose deadline has passed reaches the pipeline.
    """

    def __init__(self, pipeline: Pipeline, window: Window, clock: Clock) -> None:
        self._pipeline = pipeline
        self._digest = environment_digest(pipeline.environment)
        self._window = window
        self._clock = clock
        self._queue: list[_Ticket] = []
        self._unanswered: dict[UUID, _Ticket] = {}
        self._turns = Turns()
        self._pace = Pace()
        self._arrival = asyncio.Event()
        self._inference = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._encoding = ThreadPoolExecutor(_ENCODED_AT_ONCE, thread_name_prefix="encoding")
        self._encodings: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "BatchWorker":
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait({self._loop})
        for ticket in self._queue:
            ticket.answer.cancel()
        self._inference.shutdown(wait=False)
        self._encoding.shutdown(wait=False)

    @property
    def in_flight(self) -> int:
        """Requests that are not answered yet."""
        return len(self._unanswered)

    async def submit(self, order: Order) -> tuple[Facts, bytes]:
        """The image as PNG (empty when there is none) and how it was made. Cancel the call to give it up.

        Raises DeadlinePassed when the order's seconds have gone by before it is made, RequestUnsupported,
        RenderingFailed, DoesNotFit.
        """
        now = self._clock.monotonic()
        waiting = Waiting(order.parameters, now, now + order.seconds, order.account, order.siblings, order.defer)
        ticket = _Ticket(waiting, asyncio.get_running_loop().create_future())
        self._queue.append(ticket)
        self._unanswered[order.id] = ticket
        self._pace.arrived(order.request, now)
        self._arrival.set()
        try:
            return await ticket.answer
        finally:
            del self._unanswered[order.id]

    def progress(self, order_id: UUID) -> Progress | None:
        """How far an order has come; None when it is none of those that wait for their answer."""
        ticket = self._unanswered.get(order_id)
        if ticket is None:
            return None
        ahead = self._queue.index(ticket) if ticket in self._queue else 0
        steps = ticket.waiting.parameters.steps
        return Progress(step=min(ticket.steps_done, steps), steps=steps, ahead=ahead)

    async def _run(self) -> None:
        while True:
            self._drop_hopeless()
            if not self._queue:
                self._turns.forgive()
                await self._wait_for_arrival(None)
                continue
            queue = [ticket.waiting for ticket in self._queue]
            decision = next_batch(queue, self._clock.monotonic(), self._window, self._turns, self._pace)
            match decision:
                case Batch(places):
                    tickets = [self._queue[place] for place in places]
                    self._turns.give([ticket.waiting for ticket in tickets])
                    self._queue = [ticket for ticket in self._queue if ticket not in tickets]
                    await self._render(tickets)
                case pause:
                    await self._wait_for_arrival(pause.seconds)

    async def _wait_for_arrival(self, seconds: float | None) -> None:
        self._arrival.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._arrival.wait()
        except TimeoutError:
            return

    def _drop_hopeless(self) -> None:
        for ticket in self._queue:
            if self._is_late(ticket) and not ticket.answer.done():
                ticket.answer.set_exception(DeadlinePassed())
        self._queue = [ticket for ticket in self._queue if not ticket.answer.done()]

    def _is_late(self, ticket: _Ticket) -> bool:
        return ticket.waiting.deadline <= self._clock.monotonic()

    async def _render(self, tickets: Sequence[_Ticket], *, again: bool = False) -> None:
        """Render a batch, or what is left of one that failed (`again`), and see to its answers."""
        tickets = [ticket for ticket in tickets if not ticket.answer.done()]
        if not tickets:
            return
        parameters = tickets[0].waiting.parameters
        started = self._clock.monotonic()
        try:
            rendered = await asyncio.get_running_loop().run_in_executor(
                self._inference,
                self._pipeline.render,
                [ticket.waiting.parameters for ticket in tickets],
                self._after_step(tickets),
            )
        except Stopped:
            _answer_all(tickets, DeadlinePassed())
        except OutOfMemory:
            self._pace.ran_out_of_memory(parameters, len(tickets))
            await self._render_smaller(tickets, again=again)
        except Exception as error:  # noqa: BLE001 - whatever a pipeline raises is told to those who wait
            if len(tickets) == 1:
                _answer_all(tickets, _failure(error))
                return
            # One request must not cost the others theirs: each is tried alone.
            for ticket in tickets:
                await self._render([ticket], again=True)
        else:
            finished = self._clock.monotonic()
            self._pace.rendered(parameters, finished - started)
            # The next batch need not wait until this one is encoded.
            encoding = asyncio.create_task(self._encode(tickets, rendered, started, finished))
            self._encodings.add(encoding)
            encoding.add_done_callback(self._encodings.discard)

    async def _render_smaller(self, tickets: Sequence[_Ticket], *, again: bool) -> None:
        """Halves of what was too large; a request that is alone is tried once more, and that only if it never was."""
        if len(tickets) > 1:
            half = (len(tickets) + 1) // 2
            logger.warning("a batch of %d images does not fit into the device's memory: halving it", len(tickets))
            for part in (tickets[:half], tickets[half:]):
                await self._render(part, again=True)
        elif again:
            logger.error("a request alone does not fit into the device's memory")
            _answer_all(tickets, DoesNotFit())
        else:
            await self._render(tickets, again=True)

    def _after_step(self, tickets: Sequence[_Ticket]) -> Callable[[], bool]:
        """What the pipeline asks after every step: whether nobody waits for its batch any more."""
        for ticket in tickets:
            ticket.steps_done = 0

        def nobody_waits() -> bool:
            for ticket in tickets:
                ticket.steps_done += 1
            return all(ticket.answer.done() or self._is_late(ticket) for ticket in tickets)

        return nobody_waits

    async def _encode(
        self, tickets: Sequence[_Ticket], rendered: Sequence[Rendered], started: float, finished: float
    ) -> None:
        def facts(position: int) -> Facts:
            return Facts(
                finish=rendered[position].finish,
                queue_ms=(started - tickets[position].waiting.arrived) * 1000,
                engine_ms=(finished - started) * 1000,
                batch_size=len(tickets),
                position=position,
                scheduler=self._pipeline.scheduler,
                environment=dict(self._pipeline.environment),
                environment_digest=self._digest,
            )

        async def answer(position: int) -> None:
            pixels, png = rendered[position].pixels, b""
            if pixels is not None:
                png = await asyncio.get_running_loop().run_in_executor(self._encoding, encode_png, pixels)
            if not tickets[position].answer.done():
                tickets[position].answer.set_result((facts(position), png))

        await asyncio.gather(*map(answer, range(len(tickets))))


def _failure(error: Exception) -> Exception:
    if isinstance(error, RequestUnsupported):
        return error
    logger.error("the pipeline failed on a request", exc_info=error)
    return RenderingFailed(type(error).__name__)


def _answer_all(tickets: Sequence[_Ticket], error: Exception) -> None:
    for ticket in tickets:
        if not ticket.answer.done():
            ticket.answer.set_exception(error)

"""The engine's HTTP face, and the gateway's client of it: they agree on every answer."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import Message, Scope

from registry.parameters import GenerationParameters
from safelight.clock import SystemClock
from safelight.serving import engine_app
from safelight.serving.batching import Window
from safelight.serving.dispatch import EngineLost, EngineRefused, EngineUnreached, HttpEngineClient
from safelight.serving.rendering import (
    Finish,
    NoisePipeline,
    OutOfMemory,
    Pipeline,
    Rendered,
    RequestUnsupported,
    Stopped,
)
from safelight.serving.wire import Order, Progress
from safelight.serving.worker import BatchWorker, encode_png

TOKEN = "the token"
PLAIN = GenerationParameters(
    prompt="ein Kätzchen", negative_prompt="", width=32, height=16, steps=1, guidance=1.0, n=1, seed=1
)  # fmt: skip
ORDER = Order(parameters=PLAIN, seconds=10.0)


class _Broken:
    environment: Mapping[str, str | int] = {}
    scheduler = "None"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        raise self._error


def talk(
    story: Callable[[HttpEngineClient], Coroutine[Any, Any, None]],
    pipeline: Pipeline | None = None,
    wanted_token: str = TOKEN,
) -> None:
    """A client that holds TOKEN talks to an engine that wants `wanted_token`, without a network between them."""

    async def play() -> None:
        async with BatchWorker(pipeline or NoisePipeline(), Window(4, 0.0), SystemClock()) as worker:
            app = engine_app.build(worker, wanted_token)
            client = HttpEngineClient(SecretStr(TOKEN), httpx.ASGITransport(app))
            await story(client)
            await client.close()

    asyncio.run(play())


def test_an_order_comes_back_as_png_with_its_facts() -> None:
    async def story(client: HttpEngineClient) -> None:
        facts, png = await client.order("http://engine", ORDER)
        assert (facts.finish, facts.batch_size) == (Finish.COMPLETE, 1)
        pixels = NoisePipeline().render([PLAIN], lambda: False)[0].pixels
        assert pixels is not None
        assert png == encode_png(pixels)

    talk(story)


def test_a_wrong_token_is_refused() -> None:
    async def story(client: HttpEngineClient) -> None:
        with pytest.raises(EngineRefused, match="engine_refused"):
            await client.order("http://engine", ORDER)

    talk(story, wanted_token="another token")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ArithmeticError(), "rendering_failed", ""),
        (OutOfMemory(), "out_of_memory", ""),
        (RequestUnsupported("It takes no negative prompt."), "request_unsupported", "It takes no negative prompt."),
    ],
)
def test_why_a_rendering_failed_is_told_apart(error: Exception, code: str, message: str) -> None:
    async def story(client: HttpEngineClient) -> None:
        with pytest.raises(EngineRefused, match=code) as caught:
            await client.order("http://engine", ORDER)
        assert caught.value.message == message

    talk(story, _Broken(error))


def test_a_passed_deadline_is_a_timeout() -> None:
    async def late(client: HttpEngineClient) -> None:
        with pytest.raises(TimeoutError):
            await client.order("http://engine", Order(parameters=PLAIN, seconds=1e-9))

    talk(late)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError("refused"), EngineUnreached),
        (httpx.ConnectTimeout("no answer"), EngineUnreached),
        (httpx.ReadError("reset"), EngineLost),
        (httpx.RemoteProtocolError("closed"), EngineLost),
        (httpx.ReadTimeout("slow"), TimeoutError),
    ],
)
def test_each_way_a_connection_fails_has_its_meaning(failure: Exception, error: type[Exception]) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise failure

    async def story() -> None:
        client = HttpEngineClient(SecretStr(TOKEN), httpx.MockTransport(fail))
        with pytest.raises(error):
            await client.order("http://engine", ORDER)
        await client.close()

    asyncio.run(story())


def test_how_far_an_order_is_can_be_asked_while_it_lasts() -> None:
    pipeline, waiting = _Endless(), ORDER.model_copy(update={"id": UUID(int=2), "parameters": replace(PLAIN, steps=9)})
    others = [ORDER.model_copy(update={"id": UUID(int=number)}) for number in (1, 3)]

    async def story(client: HttpEngineClient) -> None:
        making = [asyncio.create_task(client.order("http://engine", order)) for order in (waiting, *others)]
        await asyncio.to_thread(pipeline.entered.wait)
        while len(await client.progress("http://engine", [waiting.id, *(order.id for order in others)])) < 3:
            pass  # the others are on their way
        found = await client.progress("http://engine", [waiting.id, others[1].id, UUID(int=4)])
        assert found.keys() == {waiting.id, others[1].id}
        assert (found[waiting.id].steps, found[waiting.id].ahead) == (9, 0)
        assert found[others[1].id] == Progress(step=0, steps=1, ahead=1)
        for task in making:
            task.cancel()
        await asyncio.wait(making)
        assert await client.progress("http://engine", [waiting.id]) == {}

    talk(story, pipeline)


def test_an_engine_that_does_not_answer_leaves_progress_unknown() -> None:
    async def story() -> None:
        def fail(_request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused")

        client = HttpEngineClient(SecretStr(TOKEN), httpx.MockTransport(fail))
        assert await client.progress("http://engine", [UUID(int=1)]) == {}
        await client.close()

    asyncio.run(story())


class _Endless:
    """Renders until it is told to stop."""

    environment: Mapping[str, str | int] = {}
    scheduler = "None"

    def __init__(self) -> None:
        self.entered, self.stopped = threading.Event(), threading.Event()

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        self.entered.set()
        while not is_stopped():
            time.sleep(0.001)
        self.stopped.set()
        raise Stopped


def test_a_caller_who_hangs_up_stops_the_rendering() -> None:
    pipeline = _Endless()
    body = Order(parameters=PLAIN, seconds=60.0).model_dump_json().encode()
    answered: list[Message] = []

    async def receive() -> Message:
        nonlocal body
        if body:
            sent, body = body, b""
            return {"type": "http.request", "body": sent, "more_body": False}
        await asyncio.to_thread(pipeline.entered.wait)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    async def story() -> None:
        async with BatchWorker(pipeline, Window(4, 0.0), SystemClock()) as worker:
            headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", b"application/json")]
            scope: Scope = {
                "type": "http", "method": "POST", "path": "/generate", "query_string": b"", "headers": headers,
            }  # fmt: skip
            await engine_app.build(worker, TOKEN)(scope, receive, send)
            await asyncio.to_thread(pipeline.stopped.wait)
            assert worker.in_flight == 0

    asyncio.run(story())
    assert answered[0]["status"] == 499

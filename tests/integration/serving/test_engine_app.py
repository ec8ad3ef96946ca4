"""The engine's HTTP face, and the gateway's client of it: they agree on every answer."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NoReturn
from uuid import UUID

import aiohttp
import pytest
import uvicorn
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Scope

from registry.parameters import GenerationParameters
from safelight.clock import SystemClock
from safelight.serving import dispatch, engine_app
from safelight.serving.batching import Window
from safelight.serving.dispatch import EngineLost, EngineRefused, EngineUnreached, HttpEngineClient
from safelight.serving.png import encode_png
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
from safelight.serving.worker import BatchWorker

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


@asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[str]:
    """Its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def talk(
    story: Callable[[HttpEngineClient, str], Coroutine[Any, Any, None]],
    pipeline: Pipeline | None = None,
    wanted_token: str = TOKEN,
) -> None:
    """A client that holds TOKEN talks to an engine, at the address given, that wants `wanted_token`."""

    async def play() -> None:
        async with (
            BatchWorker(pipeline or NoisePipeline(), Window(4, 0.0), SystemClock()) as worker,
            _served(engine_app.build(worker, wanted_token)) as url,
        ):
            client = HttpEngineClient(SecretStr(TOKEN))
            await story(client, url)
            await client.close()

    asyncio.run(play())


def test_an_order_comes_back_as_png_with_its_facts() -> None:
    async def story(client: HttpEngineClient, url: str) -> None:
        facts, png = await client.order(url, ORDER)
        assert (facts.finish, facts.batch_size) == (Finish.COMPLETE, 1)
        pixels = NoisePipeline().render([PLAIN], lambda: False)[0].pixels
        assert pixels is not None
        assert png == encode_png(pixels)

    talk(story)


def test_a_wrong_token_is_refused() -> None:
    async def story(client: HttpEngineClient, url: str) -> None:
        with pytest.raises(EngineRefused, match="engine_refused"):
            await client.order(url, ORDER)

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
    async def story(client: HttpEngineClient, url: str) -> None:
        with pytest.raises(EngineRefused, match=code) as caught:
            await client.order(url, ORDER)
        assert caught.value.message == message

    talk(story, _Broken(error))


def test_a_passed_deadline_is_a_timeout() -> None:
    async def late(client: HttpEngineClient, url: str) -> None:
        with pytest.raises(TimeoutError):
            await client.order(url, Order(parameters=PLAIN, seconds=1e-9))

    talk(late)


class _NoWay(aiohttp.BaseConnector):
    """No connection ever comes about."""

    async def connect(self, *_args: object, **_more: object) -> NoReturn:
        raise aiohttp.ConnectionTimeoutError


class _Answering(asyncio.Protocol):
    """Says the same to whatever it is asked, and hangs up; with nothing to say it never does."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None
        self.left = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        if self._answer is not None and self._transport is not None:
            self._transport.write(self._answer)
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self.left.set()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", EngineLost),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", EngineLost),
        (b"this is no HTTP\r\n\r\n", EngineLost),
        (None, TimeoutError),
    ],
)
def test_each_way_an_engine_fails_to_answer_has_its_meaning(answer: bytes | None, error: type[Exception]) -> None:
    async def story() -> None:
        engine = _Answering(answer)
        client = HttpEngineClient(SecretStr(TOKEN))
        async with await asyncio.get_running_loop().create_server(lambda: engine, "127.0.0.1", 0) as server:
            with pytest.raises(error):
                await client.order(_url(server), ORDER.model_copy(update={"seconds": 0.1}))
            await client.close()
            await engine.left.wait()

    asyncio.run(story())


def _url(server: asyncio.Server) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_an_engine_that_is_gone_was_never_reached() -> None:
    async def story() -> None:
        async with await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0) as server:
            gone = _url(server)
        client = HttpEngineClient(SecretStr(TOKEN))
        with pytest.raises(EngineUnreached):
            await client.order(gone, ORDER)
        assert await client.progress(gone, [UUID(int=1)]) == {}
        await client.close()

    asyncio.run(story())


def test_an_engine_whose_machine_is_gone_was_never_reached() -> None:
    async def story() -> None:
        client = HttpEngineClient(SecretStr(TOKEN), _NoWay())
        with pytest.raises(EngineUnreached):
            await client.order("http://engine", ORDER)
        assert await client.progress("http://engine", [UUID(int=1)]) == {}
        await client.close()

    asyncio.run(story())


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(dispatch, "_tracer", provider.get_tracer("test"))
    return exporter


def test_an_order_is_a_span_that_says_how_it_went(spans: InMemorySpanExporter) -> None:
    async def story(client: HttpEngineClient, url: str) -> None:
        await client.order(url, ORDER)

    talk(story)
    (span,) = spans.get_finished_spans()
    assert span.name == "engine"
    said = dict(span.attributes or {})
    assert said.keys() == {"safelight.queue_ms", "safelight.engine_ms", "safelight.batch_size"}
    assert said["safelight.batch_size"] == 1


def test_an_order_that_failed_is_a_span_with_its_error(spans: InMemorySpanExporter) -> None:
    async def story(client: HttpEngineClient, url: str) -> None:
        with pytest.raises(EngineRefused):
            await client.order(url, ORDER)

    talk(story, _Broken(OutOfMemory()))
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]


def test_how_far_an_order_is_can_be_asked_while_it_lasts() -> None:
    pipeline, waiting = _Endless(), ORDER.model_copy(update={"id": UUID(int=2), "parameters": replace(PLAIN, steps=9)})
    others = [ORDER.model_copy(update={"id": UUID(int=number)}) for number in (1, 3)]

    async def story(client: HttpEngineClient, url: str) -> None:
        making: list[asyncio.Task[Any]] = []
        for order in (waiting, *others):
            making.append(asyncio.create_task(client.order(url, order)))
            while not await client.progress(url, [order.id]):
                pass  # it is on its way
        await asyncio.to_thread(pipeline.entered.wait)
        found = await client.progress(url, [waiting.id, others[1].id, UUID(int=4)])
        assert found.keys() == {waiting.id, others[1].id}
        assert (found[waiting.id].steps, found[waiting.id].ahead) == (9, 0)
        assert found[others[1].id] == Progress(step=0, steps=1, ahead=1)
        for task in making:
            task.cancel()
        await asyncio.wait(making)
        assert await client.progress(url, [waiting.id]) == {}

    talk(story, pipeline)


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

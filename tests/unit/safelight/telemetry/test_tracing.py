"""Traces are off unless they are asked for, and an order to an engine is a span of its request."""

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from registry.parameters import GenerationParameters
from safelight.serving import dispatch
from safelight.serving.dispatch import EngineRefused, HttpEngineClient
from safelight.serving.rendering import Finish
from safelight.serving.wire import FACTS_HEADER, Facts, Order
from safelight.settings import TracesSettings
from safelight.telemetry import tracing

ORDER = Order(
    parameters=GenerationParameters(
        prompt="a red fox", negative_prompt="", width=64, height=64, steps=2, guidance=1.0, n=1, seed=1
    ),
    seconds=5.0,
)
FACTS = Facts(
    finish=Finish.COMPLETE,
    queue_ms=3.0,
    engine_ms=40.0,
    batch_size=4,
    position=0,
    scheduler="DDIM",
    environment={},
    environment_digest="sha256:e",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(dispatch, "_tracer", provider.get_tracer("test"))
    return exporter


def test_without_an_endpoint_there_are_none() -> None:
    assert tracing.start(TracesSettings(), "one") is None


@pytest.mark.anyio
async def test_an_order_is_a_span_that_says_how_it_went(spans: InMemorySpanExporter) -> None:
    headers = {FACTS_HEADER: FACTS.model_dump_json(ensure_ascii=True)}
    engine = httpx.MockTransport(lambda _: httpx.Response(200, content=b"png", headers=headers))
    client = HttpEngineClient(SecretStr("token"), engine)
    await client.order("http://engine", ORDER)
    await client.close()
    (span,) = spans.get_finished_spans()
    assert span.name == "engine"
    assert dict(span.attributes or {}) == {
        "safelight.queue_ms": 3.0,
        "safelight.engine_ms": 40.0,
        "safelight.batch_size": 4,
    }


@pytest.mark.anyio
async def test_an_order_that_failed_is_a_span_with_its_error(spans: InMemorySpanExporter) -> None:
    client = HttpEngineClient(SecretStr("token"), httpx.MockTransport(lambda _: httpx.Response(507)))
    with pytest.raises(EngineRefused):
        await client.order("http://engine", ORDER)
    await client.close()
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]

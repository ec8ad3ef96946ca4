"""Spans from a request to its place in the journal, sent to an OpenTelemetry collector by OTLP over HTTP.

Nothing is traced unless `start` was called; the tracer then costs a few microseconds a span and nothing else.
"""

import logging
from threading import Thread

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from safelight.errors import Kind, SafelightError
from safelight.settings import TracesSettings

logger = logging.getLogger(__name__)

_EXPORT_SECONDS = 2
_WAITING = 4096
"""Spans kept while the collector is away; further ones are dropped, never waited for."""
_EVERY_MS = 1000
_STOP_WITHIN = 2.0


def start(settings: TracesSettings, process: str) -> TracerProvider | None:
    """Begin to send spans of this process; None where no endpoint is set. Raises `traces_unavailable`."""
    if not settings.endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise SafelightError(
            Kind.UNAVAILABLE, "traces_unavailable", "Traces need an exporter: pip install 'safelight[traces]'."
        ) from error
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=_EXPORT_SECONDS)
    provider = TracerProvider(
        resource=Resource.create({"service.name": settings.service_name, "service.instance.id": process}),
        sampler=ParentBased(TraceIdRatioBased(settings.ratio)),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_WAITING, schedule_delay_millis=_EVERY_MS))
    trace.set_tracer_provider(provider)
    return provider


def stop(provider: TracerProvider) -> None:
    """Send what waits, within two seconds: a collector that is away must not hold up the end of a process."""
    ending = Thread(target=provider.shutdown, name="traces", daemon=True)
    ending.start()
    ending.join(_STOP_WITHIN)
    if ending.is_alive():
        logger.warning("the trace collector does not answer; its last spans are dropped")

"""Traces are off unless they are asked for."""

from safelight.settings import TracesSettings
from safelight.telemetry import tracing


def test_without_an_endpoint_there_are_none() -> None:
    assert tracing.start(TracesSettings(), "one") is None

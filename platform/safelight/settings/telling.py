"""Who is told of what, and where this installation can be watched."""

from pydantic import Field, IPvAnyNetwork

from safelight.settings.section import PositiveSeconds, Section


class NotifyingSettings(Section):
    """Outgoing notifications."""

    timeout_seconds: PositiveSeconds = 15.0
    allow_private_addresses: bool = Field(False, description="Allow channels on loopback and in private networks")
    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks that channels may be in though they are not public: 10.1.0.0/16, 192.0.2.7/32 ..."
    )
    heartbeat_seconds: PositiveSeconds = Field(60.0, description="How often the channels of kind heartbeat hear of us")


class MetricsSettings(Section):
    """Where processes without an HTTP server of their own serve Prometheus metrics; the API serves its own."""

    host: str = "127.0.0.1"
    worker_port: int | None = Field(None, ge=1, le=65535)
    engine_port: int | None = Field(None, ge=1, le=65535)


class TracesSettings(Section):
    """OpenTelemetry traces. Empty: there are none."""

    endpoint: str = Field("", description="Of a collector, OTLP over HTTP: http://127.0.0.1:4318/v1/traces")
    ratio: float = Field(1.0, ge=0, le=1, description="Of the requests whose caller has not decided for them")
    service_name: str = "safelight"

"""How requests are taken, and engines run."""

from pydantic import Field, SecretStr, field_validator, model_validator

from safelight.settings.section import PositiveSeconds, Section


class ApiSettings(Section):
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = Field(8484, ge=1, le=65535)
    public_url: str = Field("", description="The address people reach the dashboard at; used in links")
    max_body_bytes: int = Field(20 * 1024 * 1024, ge=1024)
    session_hours: float = Field(24.0, gt=0)
    link_minutes: float = Field(60.0, gt=0, le=10_080, description="How long a signed link to an image opens it")
    link_key: SecretStr = Field(
        SecretStr(""), description="Signs them, the same for all API processes; empty: made in the data folder"
    )
    max_in_flight: int = Field(64, ge=1, description="Images given to one engine at a time; the others wait")
    max_waiting: int = Field(512, ge=1, description="Images of a generator that wait or are being made before 429")
    max_queued: int = Field(10_000, ge=1, description="Images that may wait to be made in the background")
    jobs_at_once: int = Field(32, ge=1, description="Background jobs that one process works on together")
    images_per_minute: float | None = Field(None, gt=0, description="Of each key; empty: as many as there is room for")
    images_at_once: int = Field(60, ge=1, description="How many of these a key may ask for at once after a pause")
    request_timeout_seconds: PositiveSeconds = 120.0
    drain_seconds: int = Field(20, ge=0, description="How long requests in flight may take when the server is stopped")

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class EngineSettings(Section):
    """The inference engines of one host."""

    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 ...")
    threads: int = Field(1, ge=1, description="CPU threads of an engine process")
    max_batch: int = Field(8, ge=1)
    max_wait_ms: float = Field(
        50.0, ge=0, description="How long a request may at most wait for company; never longer than a step takes"
    )
    checkpoint_bytes: int = Field(
        200 * 1024**3, ge=0, description="Room for pulled checkpoints; what may have to serve stays all the same"
    )
    keep_warm: int = Field(1, ge=0, description="Earlier versions kept loaded beside the serving one")
    start_ahead: bool = Field(
        True, description="Keep one process with its libraries imported for the next version, where there is room"
    )
    host: str = Field("127.0.0.1", description="Address engines listen on")
    advertise: str = Field("", description="Host name gateways reach the engines at; empty means `host`")
    poll_seconds: PositiveSeconds = 0.2
    price_per_hour: float | None = Field(None, ge=0, description="Of one engine's device; images then have a cost")
    token: SecretStr = Field(
        SecretStr(""), description="Shared by gateways and engines; empty: made in the data folder"
    )


class RaySettings(Section):
    """Engines as replicas of Ray Serve deployments, one deployment a version (`safelight ray`)."""

    address: str = Field("", description="Of a running cluster: auto, HOST:PORT ...; empty: one of this machine alone")
    replicas: int = Field(1, ge=1, description="Engines of a version that serves, at least")
    most_replicas: int | None = Field(None, ge=1, description="As many under load; empty: never more")
    warm_replicas: int = Field(1, ge=1, description="Engines of a version that waits to be gone back to")
    images_per_replica: float = Field(16.0, gt=0, description="Unanswered images that one engine is reckoned to bear")
    cpus: float = Field(1.0, ge=0, description="Of each engine, as Ray counts them")
    gpus: float = Field(0.0, ge=0, description="Of each engine; with 0.5 two engines share one")

    @field_validator("gpus")
    @classmethod
    def _whole_above_one(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError("is a part of one GPU, or a whole number of them")
        return gpus

    @model_validator(mode="after")
    def _in_order(self) -> "RaySettings":
        if self.most_replicas is not None and self.most_replicas < self.replicas:
            raise ValueError("most_replicas is less than replicas")
        if self.warm_replicas > self.replicas:
            raise ValueError("warm_replicas is more than replicas: what waits needs no more than what serves")
        return self

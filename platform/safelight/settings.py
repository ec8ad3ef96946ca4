"""Effective settings: `SAFELIGHT_*` variables over one TOML file over defaults.

Nested settings use a double underscore: `SAFELIGHT_DATABASE__URL`. The file is `safelight.toml` in the working
directory unless `SAFELIGHT_CONFIG` names another.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

PositiveSeconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A group of settings; a misspelt name is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """Where state is kept. Empty means SQLite in the data folder."""

    url: SecretStr = Field(SecretStr(""), description="SQLAlchemy URL; sqlite:/// or postgresql+psycopg://")
    lock_timeout_seconds: PositiveSeconds = 5.0


class RegistrySettings(Section):
    """The MLflow registry. Empty means an embedded store in the data folder."""

    tracking_uri: SecretStr = Field(SecretStr(""), description="MLflow tracking and registry address")


class ImageStoreSettings(Section):
    """Where images and thumbnails go: any fsspec address. Empty means a folder in the data folder."""

    url: str = Field("", description="file:///..., s3://bucket/prefix, ...")
    s3_endpoint: str = ""
    s3_key: SecretStr = SecretStr("")
    s3_secret: SecretStr = SecretStr("")
    thumbnail_pixels: int = Field(192, ge=32, le=1024)


class OnFull(StrEnum):
    """What serving does when the journal cannot write."""

    SERVE = "serve"
    REFUSE = "refuse"


class JournalSettings(Section):
    """The durable local log every generation is in before its response leaves."""

    on_full: OnFull = OnFull.SERVE
    max_bytes: int = Field(4 * 1024**3, ge=1024 * 1024, description="Room for generations that are not shipped yet")


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


class ScoringSettings(Section):
    """How images become signals."""

    embedder: str = Field("", description="open_clip folder (local-dir) or model name; empty: the studio's")
    pretrained: str = Field("", description="Weights file for a named open_clip model")
    prompt_encoder: str = Field(
        "", description="Folder of a transformers text model that lenses read prompts with; empty: the embedder's own"
    )
    device: str = "auto"
    batch: int = Field(32, ge=1)
    poll_seconds: PositiveSeconds = 0.5


class SliceAttribute(StrEnum):
    """What the traffic of a generator can be cut by, each part to be looked at alone."""

    REPLICA = "replica"
    ADAPTER = "adapter"
    TENANT = "tenant"
    REGION = "region"
    PARAMETERS = "parameters"


class WatchingSettings(Section):
    """How often the monitors look, and at what."""

    bucket_seconds: int = Field(60, ge=1)
    tick_seconds: int = Field(60, ge=1)
    false_alarms_per_month: float = Field(
        1.0, gt=0, description="Expected, per generator, over all its monitors and slices"
    )
    slices: tuple[SliceAttribute, ...] = Field(
        (SliceAttribute.REPLICA, SliceAttribute.ADAPTER, SliceAttribute.REGION, SliceAttribute.PARAMETERS),
        description="Attributes whose values are looked at alone, beside all traffic",
    )
    most_slices: int = Field(64, ge=0, le=1000, description="Values looked at alone, per generator; the rest is other")
    lease_seconds: PositiveSeconds = 15.0
    feedback_minutes: float = Field(30.0, gt=0, description="How long after an image was made feedback still counts")


class ProbingSettings(Section):
    """Fixed prompts and seeds that every engine of ours makes again and again."""

    interval_seconds: PositiveSeconds = Field(300.0, description="How often every engine makes a few")
    at_once: int = Field(8, ge=1, le=64, description="Probes of one run in flight; people's requests go first")
    confirm_pairs: int = Field(128, ge=16, le=1024, description="Probes that confirm an alarm, or a closer look")
    production_prompts: bool = Field(False, description="Allow probe sets to be drawn from what people asked for")


class GuardSettings(Section):
    """What is done without asking a person, and what shows that there is a way back."""

    drill_hour: int = Field(3, ge=0, le=23, description="When the night's drills begin, in UTC")
    link_minutes: float = Field(
        60.0, ge=0, le=1440, description="How long the rollback link in a message works, once; 0: messages carry none"
    )


class BaselineSettings(Section):
    """Baselines that are made of an accepted version's own traffic without being asked for."""

    automatic: bool = True
    first_at: int = Field(2_000, ge=600, description="Scored images of the version that the first one takes")
    growth: float = Field(2.0, ge=1.5, description="A larger one follows when there are so many times its images")


class IngestSettings(Section):
    """Generations made by somebody else's service."""

    fetch_images: bool = Field(True, description="Fetch images that are given by their address")
    timeout_seconds: PositiveSeconds = Field(30.0, description="For one image, from the look-up to its last byte")
    max_image_bytes: int = Field(20 * 1024 * 1024, ge=1024)
    allow_private_addresses: bool = Field(False, description="Fetch from loopback and private networks, and by http://")


class RetentionSettings(Section):
    """How long generations and notifications are kept. What an incident or a stored probe rests on is kept for ever."""

    images_days: int | None = Field(None, ge=1, description="Images and thumbnails; empty: as long as the rows")
    rows_days: int | None = Field(None, ge=1, description="What is known of each generation; empty: for ever")
    notifications_days: int = Field(400, ge=7, description="What was told or superseded, but of open incidents")

    @property
    def image_days(self) -> int | None:
        """An image is not kept longer than the row that names it."""
        known = [days for days in (self.images_days, self.rows_days) if days is not None]
        return min(known, default=None)


class RedactionSettings(Section):
    """What is taken out of prompts before they are written anywhere. Images are made of what was asked for."""

    patterns: tuple[str, ...] = Field((), description="Regular expressions; each match is replaced by a mark")
    key: SecretStr = Field(
        SecretStr(""), description="With a key a mark tells equal matches from others (HMAC-SHA-256), and nothing else"
    )

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                compiled = re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
            if compiled.match(""):
                raise ValueError(f"{pattern!r} matches nothing at all, everywhere")
        return patterns


class LedgerSettings(Section):
    """Anchors of the release ledger: what `safelight ledger verify` holds it against."""

    anchor_file: Path | None = Field(
        None, description="Where heads are noted: best a disk that can only be appended to; empty: nowhere"
    )
    anchor_seconds: PositiveSeconds = Field(3600.0, description="How often the worker notes those that have moved on")


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


class Settings(BaseSettings):
    """Everything that can be set, with safe defaults."""

    model_config = SettingsConfigDict(
        env_prefix="SAFELIGHT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(Path("var"), description="Folder for the database, journal, images and checkpoints")
    database: DatabaseSettings = DatabaseSettings()
    registry: RegistrySettings = RegistrySettings()
    images: ImageStoreSettings = ImageStoreSettings()
    journal: JournalSettings = JournalSettings()
    api: ApiSettings = ApiSettings()
    engine: EngineSettings = EngineSettings()
    ray: RaySettings = RaySettings()
    scoring: ScoringSettings = ScoringSettings()
    watching: WatchingSettings = WatchingSettings()
    probing: ProbingSettings = ProbingSettings()
    guard: GuardSettings = GuardSettings()
    baselines: BaselineSettings = BaselineSettings()
    ingest: IngestSettings = IngestSettings()
    retention: RetentionSettings = RetentionSettings()
    redaction: RedactionSettings = RedactionSettings()
    ledger: LedgerSettings = LedgerSettings()
    notifying: NotifyingSettings = NotifyingSettings()
    metrics: MetricsSettings = MetricsSettings()
    traces: TracesSettings = TracesSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, Path(os.environ.get("SAFELIGHT_CONFIG", "safelight.toml")))
        return init_settings, env_settings, toml

    @property
    def database_url(self) -> str:
        """The database address with its default filled in. Holds a secret: never print it."""
        return self.database.url.get_secret_value() or f"sqlite:///{self.data_dir.resolve() / 'safelight.db'}"

    @property
    def tracking_uri(self) -> str:
        """The MLflow address with its default filled in. May hold a secret: never print it."""
        return self.registry.tracking_uri.get_secret_value() or f"sqlite:///{self.data_dir.resolve() / 'mlflow.db'}"

    @property
    def images_url(self) -> str:
        """The image store's fsspec address with its default filled in."""
        return self.images.url or (self.data_dir.resolve() / "images").as_uri()

    @property
    def journal_dir(self) -> Path:
        return self.data_dir / "journal"

    @property
    def checkpoints_dir(self) -> Path:
        """Local copies of checkpoints, one folder a digest."""
        return self.data_dir / "checkpoints"

    @property
    def public_url(self) -> str:
        return (self.api.public_url or f"http://{self.api.host}:{self.api.port}").rstrip("/")

"""Effective settings: `SAFELIGHT_*` variables over one TOML file over defaults.

Nested settings use a double underscore: `SAFELIGHT_DATABASE__URL`. The file is `safelight.toml` in the working
directory unless `SAFELIGHT_CONFIG` names another.
"""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from safelight.settings.keeping import (
    DatabaseSettings,
    ImageStoreSettings,
    IngestSettings,
    JournalSettings,
    LedgerSettings,
    OnFull,
    RedactionSettings,
    RegistrySettings,
    RetentionSettings,
)
from safelight.settings.serving import ApiSettings, EngineSettings, RaySettings
from safelight.settings.telling import MetricsSettings, NotifyingSettings, TracesSettings
from safelight.settings.watching import (
    BaselineSettings,
    GuardSettings,
    ProbingSettings,
    ScoringSettings,
    SliceAttribute,
    WatchingSettings,
)

__all__ = [
    "ApiSettings",
    "BaselineSettings",
    "DatabaseSettings",
    "EngineSettings",
    "GuardSettings",
    "ImageStoreSettings",
    "IngestSettings",
    "JournalSettings",
    "LedgerSettings",
    "MetricsSettings",
    "NotifyingSettings",
    "OnFull",
    "ProbingSettings",
    "RaySettings",
    "RedactionSettings",
    "RegistrySettings",
    "RetentionSettings",
    "ScoringSettings",
    "Settings",
    "SliceAttribute",
    "TracesSettings",
    "WatchingSettings",
]


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
        return (self.api.public_url or self.api.url).rstrip("/")

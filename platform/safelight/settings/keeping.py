"""What is kept, where, for how long, and what is not."""

import re
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from safelight.settings.section import PositiveSeconds, Section


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


class IngestSettings(Section):
    """Generations made by somebody else's service."""

    fetch_images: bool = Field(True, description="Fetch images that are given by their address")
    timeout_seconds: PositiveSeconds = Field(30.0, description="For one image, from the look-up to its last byte")
    max_image_bytes: int = Field(20 * 1024 * 1024, ge=1024)
    allow_private_addresses: bool = Field(False, description="Fetch from loopback and private networks, and by http://")


class RetentionSettings(Section):
    """How long what grows by itself is kept. What an incident or a stored probe rests on is kept for ever."""

    images_days: int | None = Field(None, ge=1, description="Images and thumbnails; empty: as long as the rows")
    rows_days: int | None = Field(None, ge=1, description="What is known of each generation; empty: for ever")
    notifications_days: int = Field(400, ge=7, description="What was told or superseded, but of open incidents")
    verdicts_days: int = Field(
        90, ge=8, description="Every verdict; before, one stands for an hour in which a monitor said the same"
    )
    sketches_days: int = Field(31, ge=8, description="How far back monitors that look at images can be tried")

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

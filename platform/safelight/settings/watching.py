"""How images are looked at, and what may be done about them."""

from enum import StrEnum

from pydantic import Field

from safelight.settings.section import PositiveSeconds, Section


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

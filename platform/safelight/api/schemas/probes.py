"""Probe sets and probe runs."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from monitors.probes import Comparison, Drop, Repeatability, assess
from monitors.verdict import Health
from safelight.api.schemas.access import ShortName
from safelight.probing.sets import MOST, Probe, Variant
from safelight.responding.confirming import ALPHA
from safelight.store.probe_images import ScoredProbe
from safelight.store.probe_sets import KnownProbeSet
from safelight.store.probes import KnownRun, Purpose, RunState


class ProbeSetInfo(BaseModel):
    """A named list of prompts with seeds and parameters, which never changes."""

    id: UUID
    generator: str
    name: str
    source: str
    digest: str
    size: int
    plain: Annotated[int, Field(description="How many are no other wording of another")]
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, known: KnownProbeSet) -> Self:
        return cls.model_validate(_facts(known))


class ProbeSetDetail(ProbeSetInfo):
    probes: list[Probe]

    @classmethod
    def of(cls, known: KnownProbeSet) -> Self:
        return cls.model_validate(_facts(known) | {"probes": list(known.probes)})


class NewProbeSet(BaseModel):
    """Probes of one's own. A seed that is left out is the probe's place."""

    model_config = ConfigDict(extra="forbid")

    generator: str
    name: ShortName
    probes: Annotated[list[dict[str, Any]], Field(max_length=MOST)]


class DrawProbeSet(BaseModel):
    """Draw a set from what people asked for lately, where the settings allow it."""

    model_config = ConfigDict(extra="forbid")

    generator: str
    name: ShortName
    count: Annotated[int, Field(ge=16, le=512)] = 128


class NewProbeRun(BaseModel):
    """Have a version make probes. Before a promote, hold the new version against the one that serves."""

    model_config = ConfigDict(extra="forbid")

    generator: str
    version: int
    against: Annotated[int | None, Field(description="The version whose outputs count; left out: its own")] = None
    probe_set: str = "synthetic"
    pairs: Annotated[int | None, Field(ge=16, le=MOST, description="How many; left out: the whole set")] = None
    store_outputs: Annotated[
        bool, Field(description="Keep the outputs, to hold later probes of the version against them")
    ] = False


class ProbeVerdict(BaseModel):
    """What a run says by itself, at the level at which probes confirm an alarm."""

    health: Health
    reason: str
    summary: str
    p_value: float | None
    threshold: float | None


class ProbeRunInfo(BaseModel):
    """Probes of one engine, and what they say once they are judged.

    `comparison` holds them against stored outputs, `repeatability` against the engine's own repetition, and
    `brittleness` is the alignment lost when a scene is asked for in other words or with a slip of the pen.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    version: int
    set_id: UUID
    purpose: Purpose
    against: int | None
    fresh: bool
    size: int
    repeats: int
    incident_id: UUID | None
    state: RunState
    detail: str
    ordered_at: datetime
    ordered_by: str
    replica: str | None
    environment_digest: str | None
    made_at: datetime | None
    judged_at: datetime | None
    reference_id: UUID | None
    verdict: ProbeVerdict | None
    comparison: Comparison | None
    repeatability: Repeatability | None
    brittleness: dict[Variant, Drop]

    @classmethod
    def of(cls, run: KnownRun) -> Self:
        return cls.model_validate(_described(run))


class ProbePair(BaseModel):
    """One probe's image beside the stored one it was held against."""

    place: int
    prompt: str
    seed: int
    variant: Variant | None
    outcome: str
    error_code: str | None
    generation_id: UUID
    thumbnail_url: str | None
    alignment: float | None
    stored_generation_id: UUID | None
    stored_thumbnail_url: str | None
    stored_alignment: float | None

    @classmethod
    def of(cls, probe: Probe, made: ScoredProbe, stored: ScoredProbe | None) -> Self:
        return cls(
            place=made.place,
            prompt=probe.prompt,
            seed=probe.seed,
            variant=probe.variant,
            outcome=made.outcome,
            error_code=made.error_code,
            generation_id=made.generation_id,
            thumbnail_url=_thumbnail(made),
            alignment=made.alignment,
            stored_generation_id=stored.generation_id if stored else None,
            stored_thumbnail_url=_thumbnail(stored) if stored else None,
            stored_alignment=stored.alignment if stored else None,
        )


class ProbeRunDetail(ProbeRunInfo):
    pairs: list[ProbePair]


def run_detail(run: KnownRun, pairs: list[ProbePair]) -> ProbeRunDetail:
    return ProbeRunDetail.model_validate(_described(run) | {"pairs": pairs})


def _described(run: KnownRun) -> dict[str, Any]:
    document, repeated = run.result.get("comparison"), run.result.get("repeatability")
    comparison = Comparison.from_dict(document) if document else None
    verdict = assess(comparison, ALPHA).to_dict() if comparison else None
    return vars(run) | {
        "size": len(run.places),
        "verdict": verdict,
        "comparison": comparison,
        "repeatability": Repeatability.from_dict(repeated) if repeated else None,
        "brittleness": run.result.get("brittleness", {}),
    }


def _facts(known: KnownProbeSet) -> dict[str, Any]:
    return vars(known) | {"size": len(known.probes), "plain": len(known.plain)}


def _thumbnail(image: ScoredProbe) -> str | None:
    return f"/api/v1/generations/{image.generation_id}/thumbnail" if image.image_key else None

"""A variant beside its parent: what it does otherwise, what that saves, and what it costs in quality. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from pydantic import Field

from registry.manifest import Manifest
from safelight.comparing.documents import Part
from safelight.comparing.engines import Weighed
from safelight.comparing.trial import Trial
from safelight.store.versions import KnownVersion

_BESIDES = ("parent", "description", "tags", "provenance", "checkpoint", "golden")


class Change(Part):
    """One value of the manifest; None where a side does not name it."""

    field: str
    parent: Any
    variant: Any


class Cost(Part):
    """What an image takes of one version, made alone on an engine that did nothing else."""

    seconds_p50: float
    host_bytes: int = Field(description="What the engine's process took of the machine's memory")
    device_bytes: int | None = Field(description="The most it took of its GPU's memory; null without a GPU")


class VariantReport(Part):
    """The trade-off. `trial` holds the paired-seed comparison: the parent is `old`, the variant `new`."""

    generator: str
    version: int
    parent: int
    made_at: datetime
    runs_on: str = Field(description="The device; figures of another one differ")
    embedder_digest: str
    changes: list[Change]
    parent_cost: Cost
    variant_cost: Cost
    speedup: float | None = Field(description="Median over pairs of the parent's time to the variant's")
    memory_ratio: float = Field(description="The variant's memory to the parent's: the GPU's where there is one")
    trial: Trial

    @property
    def table(self) -> list[tuple[str, str, str, str]]:
        """Rows of what, parent, variant and their difference, for a terminal."""
        trial, mine, theirs = self.trial, self.variant_cost, self.parent_cost
        rows = [(each.field, _shown(each.parent), _shown(each.variant), "") for each in self.changes]
        speedup = "" if self.speedup is None else f"{self.speedup:.2f}x as fast"
        rows += [
            ("seconds an image", f"{theirs.seconds_p50:.3f}", f"{mine.seconds_p50:.3f}", speedup),
            ("host memory, MiB", _mib(theirs.host_bytes), _mib(mine.host_bytes), ""),
            ("GPU memory, MiB", _mib(theirs.device_bytes), _mib(mine.device_bytes), ""),
            ("alignment", _shown(trial.old.alignment.value), _shown(trial.new.alignment.value), _change(trial)),
            ("broken images", _shown(trial.old.broken_rate.value), _shown(trial.new.broken_rate.value), ""),
            ("diversity", _shown(trial.old.diversity.value), _shown(trial.new.diversity.value), ""),
            ("pairs of one prompt and seed", str(trial.pairs), str(trial.compared), trial.conclusion.replace("_", " ")),
        ]
        return rows


def report(
    parent: KnownVersion,
    variant: KnownVersion,
    old: Weighed,
    new: Weighed,
    trial: Trial,
    embedder_digest: str,
    now: datetime,
) -> VariantReport:
    """What was measured of both, as it is kept and shown."""
    costs = [_cost(each) for each in (old, new)]
    theirs, mine = (each.device_bytes or each.host_bytes for each in costs)
    slowdown = trial.slowdown.value
    return VariantReport(
        generator=variant.generator,
        version=variant.number,
        parent=parent.number,
        made_at=now,
        runs_on=new.runs_on,
        embedder_digest=embedder_digest,
        changes=changes_between(parent.held, variant.held),
        parent_cost=costs[0],
        variant_cost=costs[1],
        speedup=1 / slowdown if slowdown else None,
        memory_ratio=mine / theirs,
        trial=trial,
    )


def _cost(weighed: Weighed) -> Cost:
    seconds = float(np.median(weighed.drawing.seconds))
    return Cost(seconds_p50=seconds, host_bytes=weighed.host, device_bytes=weighed.device)


def changes_between(parent: Manifest, variant: Manifest) -> list[Change]:
    """Field by field, nested ones by their paths."""
    old, new = (_flat(each.model_dump(mode="json", exclude=set(_BESIDES))) for each in (parent, variant))
    return [
        Change(field=field, parent=old.get(field), variant=new.get(field))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    ]


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _change(trial: Trial) -> str:
    change = trial.alignment_change
    if change.value is None:
        return f"{change.needed} pairs would be a beginning"
    return f"{change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f})"


def _mib(count: int | None) -> str:
    return "-" if count is None else f"{count / 2**20:,.0f}"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

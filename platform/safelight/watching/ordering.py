"""Asking for a baseline: checked at once, made in the background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from registry.errors import RegistryError
from registry.parameters import Defaults, Requested
from registry.versions import require_held
from safelight.errors import Kind, SafelightError
from safelight.store import access, baseline_jobs, baselines, probe_sets, replays, versions
from safelight.store.baseline_jobs import KnownJob, NewJob
from safelight.store.database import Session
from safelight.store.replays import LoggedRequest
from safelight.store.versions import KnownVersion
from safelight.watching.samples import JUDGED_ARMS, SERVING_ARM

FEWEST_PROMPTS = 512
MOST_PROMPTS = 2_000
_LOOKED_AT = 20_000
"""The newest requests that are read for a replay: popular prompts repeat, and each is replayed once."""
_REPLAYED = ("negative_prompt", "width", "height", "steps", "guidance")


class Source(StrEnum):
    """Where a baseline's generations come from."""

    TRAFFIC = "traffic"
    CANARY = "canary"
    SHADOW = "shadow"
    REPLAY = "replay"
    RECORDED = "recorded"


ARMS: Mapping[Source, tuple[str, ...]] = {
    Source.TRAFFIC: JUDGED_ARMS,
    Source.CANARY: ("canary",),
    Source.SHADOW: ("shadow",),
}
"""The sources that lie in the log already, and the arms they are read from."""


@dataclass(frozen=True)
class Ordered:
    """Who wants which baseline."""

    generator: str
    version: int
    name: str
    actor: str


def order_logged(
    session: Session, wanted: Ordered, source: Source, start: datetime, end: datetime, now: datetime
) -> KnownJob:
    """Ask for a baseline of what a version served in a range of time.

    Raises SafelightError: `version_not_found`, `baseline_exists`, `range_invalid`.
    """
    if not start < end or start >= now:
        raise SafelightError(Kind.INVALID, "range_invalid", "'from' lies before 'to', and in the past.")
    _require_new(session, wanted)
    return _add(session, wanted, source, now, data_from=start, data_to=min(end, now))


def order_replay(
    session: Session, wanted: Ordered, prompts: int, now: datetime, probe_set: str | None = None
) -> KnownJob:
    """Ask for a baseline of what a version makes of the newest requests of production, each of another prompt.

    Of the probes of a set instead, where one is named: each with as many seeds as it takes. Raises SafelightError:
    `version_not_found`, `baseline_exists`, `prompts_invalid`, `too_few_prompts`, `probe_set_not_found`;
    ServedElsewhere.
    """
    version = _require_new(session, wanted)
    require_held(version.generator, version.number, version.manifest)
    if not FEWEST_PROMPTS <= prompts <= MOST_PROMPTS:
        allowed = f"A replay takes {FEWEST_PROMPTS} to {MOST_PROMPTS:,} prompts."
        raise SafelightError(Kind.INVALID, "prompts_invalid", allowed)
    if probe_set is None:
        requests = _of_production(session, version, prompts)
    else:
        probes = probe_sets.require(session, wanted.generator, probe_set)
        requests = of_probes([probes.probes[place] for place in probes.plain], prompts)
    return _add(session, wanted, Source.REPLAY, now, prompts=requests)


def _of_production(session: Session, version: KnownVersion, prompts: int) -> list[dict[str, Any]]:
    logged = replays.recent_requests(session, version.generator, SERVING_ARM, _LOOKED_AT)
    defaults = {each.number: each.manifest.defaults for each in versions.versions(session, version.generator)}
    chosen: dict[str, dict[str, Any]] = {}
    for each in logged:
        if len(chosen) == prompts:
            break
        if each.prompt not in chosen:
            request = as_asked(each, defaults.get(each.version), seed=len(chosen))
            if accepts(version, request):
                chosen[each.prompt] = request
    if len(chosen) < FEWEST_PROMPTS:
        raise SafelightError(
            Kind.CONFLICT,
            "too_few_prompts",
            f"The newest {len(logged):,} requests hold {len(chosen)} different prompts that version {version.number} "
            f"takes; a replay needs {FEWEST_PROMPTS}. Wait for more traffic, or name a probe set.",
        )
    return list(chosen.values())


def of_probes(probes: Sequence[Mapping[str, Any]], count: int) -> list[dict[str, Any]]:
    """So many requests: the probes in turn, each time round with the next seed."""
    rounds = (divmod(place, len(probes)) for place in range(count))
    known = ("prompt", *_REPLAYED)
    return [
        {name: probes[i][name] for name in known if probes[i].get(name) is not None}
        | {"seed": probes[i]["seed"] + turn}
        for turn, i in rounds
    ]


def as_asked(logged: LoggedRequest, defaults: Defaults | None, *, seed: int) -> dict[str, Any]:
    """What was asked for, without what the version added by itself: another version has defaults of its own.

    `seed` is that of a request of which none is on record.
    """
    usual = defaults.model_dump() if defaults else {}
    asked = {
        name: logged.parameters[name]
        for name in _REPLAYED
        if logged.parameters.get(name) is not None and logged.parameters[name] != usual.get(name)
    }
    return {"prompt": logged.prompt, "seed": seed if logged.seed is None else logged.seed, **asked}


def accepts(version: KnownVersion, request: Mapping[str, Any]) -> bool:
    """Whether a version takes a request: a foreign service may have logged what ours would refuse."""
    try:
        version.held.resolve(Requested(**request), fallback_seed=0)
    except (RegistryError, TypeError, ValueError):
        return False
    return True


def _require_new(session: Session, wanted: Ordered) -> KnownVersion:
    version = versions.require_version(session, wanted.generator, wanted.version)
    if baselines.named(session, wanted.generator, wanted.name) is not None:
        raise baselines.exists(wanted.generator, wanted.name)
    return version


def _add(
    session: Session,
    wanted: Ordered,
    source: Source,
    now: datetime,
    *,
    data_from: datetime | None = None,
    data_to: datetime | None = None,
    prompts: list[dict[str, Any]] | None = None,
) -> KnownJob:
    job = baseline_jobs.add(
        session,
        NewJob(
            generator=wanted.generator,
            version=wanted.version,
            name=wanted.name,
            source=source.value,
            data_from=data_from,
            data_to=data_to,
            prompts=prompts or [],
            created_by=wanted.actor,
        ),
        now,
    )
    what = f"{wanted.generator} {wanted.version} {wanted.name}"
    access.record_audit(session, now, wanted.actor, "baseline.ordered", what, source.value)
    return job

"""Which engine makes which ordered probes now. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeAlias

from safelight.store.engines import KnownEngine
from safelight.store.probes import KnownRun, Purpose, RunState

Task: TypeAlias = tuple[int, int]
"""Place and repeat of one image of a run."""

_URGENCY = {
    Purpose.SUSPECT: 0,
    Purpose.TARGET: 0,
    Purpose.RELOAD: 0,
    Purpose.REQUESTED: 1,
    Purpose.GATE: 1,
    Purpose.ROUTINE: 2,
    Purpose.BASELINE: 3,
}


def urgency(run: KnownRun) -> int:
    """The lower, the sooner: what an incident waits for comes first, also a baseline."""
    return 0 if run.incident_id is not None else _URGENCY[run.purpose]


def deferral(run: KnownRun) -> float:
    """Seconds for which each of its images lets people's requests go first. While an incident waits, bad images are
    served: a busy engine is then asked for a larger share."""
    return 1.0 if run.incident_id is not None else 5.0


def assign(
    runs: Sequence[KnownRun], engines: Collection[KnownEngine], now: datetime
) -> list[tuple[KnownRun, KnownEngine]]:
    """Runs to begin now, each with its engine. `runs` are all that are not made yet, `engines` those that are ready.

    An engine makes one run at a time, the most urgent first; a run whose claim has lapsed is begun anew.
    """
    making = [run for run in runs if _is_claimed(run, now)]
    free = [engine for engine in engines if not any(_occupies(run, engine) for run in making)]
    chosen: list[tuple[KnownRun, KnownEngine]] = []
    for run in sorted((run for run in runs if run not in making), key=lambda each: (urgency(each), each.id)):
        engine = next((engine for engine in free if fits(run, engine)), None)
        if engine is not None:
            free.remove(engine)
            chosen.append((run, engine))
    return chosen


def fits(run: KnownRun, engine: KnownEngine) -> bool:
    """Whether a run may be made by an engine; one that wants it afresh takes a spare one, younger than the order."""
    return (
        (engine.generator, engine.version) == (run.generator, run.version)
        and run.host in (None, engine.host)
        and run.fresh is engine.spare
        and (not run.fresh or engine.started_at >= run.ordered_at)
    )


def is_overtaken(run: KnownRun, runs: Sequence[KnownRun]) -> bool:
    """Whether something more urgent waits for the engine of a run that is being made."""
    return any(
        other.state is RunState.ORDERED
        and urgency(other) < urgency(run)
        and other.fresh is run.fresh
        and (other.generator, other.version) == (run.generator, run.version)
        and other.host in (None, run.replica)
        for other in runs
    )


def tasks(run: KnownRun, made: Collection[Task]) -> list[Task]:
    """The images still to be made, the first outputs before their repetitions.

    Repetitions come in another order, hence in other batches: what a batch's company does to the pixels is part of how
    well an engine repeats itself.
    """
    repeated = run.places[: run.repeats]
    again = [*repeated[1::3], *repeated[::3], *repeated[2::3]]
    wanted = [*((place, 0) for place in run.places), *((place, 1) for place in again)]
    return [task for task in wanted if task not in made]


def _is_claimed(run: KnownRun, now: datetime) -> bool:
    return run.state is RunState.MAKING and run.claimed_until is not None and run.claimed_until > now


def _occupies(run: KnownRun, engine: KnownEngine) -> bool:
    holder = (engine.generator, engine.version, engine.host, engine.spare)
    return (run.generator, run.version, run.replica, run.fresh) == holder

"""Orders probes as time goes by: first the outputs to compare with, then a few of every engine every few minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from monitors.probes import Comparison
from registry.rules import known_good, last_known_good
from safelight.clock import Clock
from safelight.errors import SafelightError
from safelight.probing.sets import SYNTHETIC, synthetic
from safelight.releasing.service import ALIVE
from safelight.rounds import Turns
from safelight.store import chains, engines, ledger, monitors, probe_sets, probes, releases, versions
from safelight.store.database import Database, Session
from safelight.store.engines import KnownEngine
from safelight.store.probe_sets import KnownProbeSet
from safelight.store.probes import KnownRun, NewRun, Purpose, RunState
from safelight.watching.monitors import Probe, parse

ACTOR = "safelight"
REPEATS = 32
"""How many probes of a baseline are made twice."""
FULL_EVERY = timedelta(days=1)
"""How often every engine makes the whole set: what a few probes miss, and what other words cost."""
BASELINE_WITHIN = timedelta(hours=1)


class Leader(Protocol):
    """Only who leads orders."""

    def held(self) -> bool: ...


class Due(StrEnum):
    NOTHING = "nothing"
    A_FEW = "a few"
    ALL = "all"


@dataclass(frozen=True)
class Place:
    """What serves, and how its probes are asked for. `against`: whose outputs they are held against, None: its own."""

    generator: str
    version: int
    against: int | None
    chosen: KnownProbeSet
    pairs: int


class ProbeOrderer:
    """Looks at every generator that an engine of ours serves and whose probe monitor is enabled."""

    def __init__(self, database: Database, leader: Leader, clock: Clock, embedder_digest: str, interval: float) -> None:
        """`interval` is in seconds."""
        self._database = database
        self._leader = leader
        self._clock = clock
        self._embedder_digest = embedder_digest
        self._interval = timedelta(seconds=interval)
        self._turns = Turns("probe orderer", clock)

    def run_once(self) -> int:
        """Order what is due; returns how many runs that were."""
        if not self._leader.held():
            return 0
        with self._database.reading() as session:
            names = [generator.name for generator in versions.generators(session)]
        return self._turns.take(names, self._order)

    def _order(self, generator: str) -> int:
        with self._database.reading() as session:
            if not self._wanted(session, generator) and not _outlived(session, generator):
                return 0
        with self._database.transaction() as session:
            ledger.lock(session, generator)  # a flip meanwhile would have other probes ordered
            now, wanted = self._clock.now(), self._wanted(session, generator)
            for run in _outlived(session, generator):
                probes.cancel(session, run.id, "another version serves", now)
            for new in wanted:
                probes.order(session, new, now)
            return len(wanted)

    def _wanted(self, session: Session, generator: str) -> list[NewRun]:
        now = self._clock.now()
        document = probe_monitor(session, generator)
        ready = [each for each in engines.ready(session, now - ALIVE) if each.generator == generator]
        place = self._place(session, generator, document) if document and ready else None
        # What is about to serve needs the machine more.
        if place is None or releases.in_states(session, releases.MOVING, generator):
            return []
        whose = place.version if place.against is None else place.against
        missing = self._baseline_of(session, place, whose, ready, now)
        if missing is not None:
            return missing
        newest = probes.newest(session, generator, place.version, now - FULL_EVERY)
        hosts = [engine.host for engine in ready if engine.version == place.version]
        decided = [(host, due(host, newest, place, self._interval, now)) for host in hosts]
        return [
            self._routine(place, host, what, sum(run.purpose is Purpose.ROUTINE for run in newest), now)
            for host, what in decided
            if what is not Due.NOTHING
        ]

    def _place(self, session: Session, generator: str, document: Probe) -> Place | None:
        chain = chains.decisive(session, generator)
        entry = ledger.newest_release(session, generator)
        chosen = probe_sets.find(session, generator, document.probe_set)
        if entry is None or chosen is None:
            return None
        good = entry.to_version in known_good(chain)
        against = None if good else last_known_good(chain)
        if not good and against is None:
            return None  # it replaced nothing that could be compared with, and nobody has accepted it yet
        return Place(generator, entry.to_version, against, chosen, document.pairs)

    def _baseline_of(
        self, session: Session, place: Place, whose: int, ready: Sequence[KnownEngine], now: datetime
    ) -> list[NewRun] | None:
        """None where the version has stored outputs, else the run that makes them, unless it is under way."""
        known = probes.baselines(session, place.generator, whose, place.chosen.id)
        if any(each.result.get("embedder_digest") == self._embedder_digest for each in known):
            return None
        holder = next((engine for engine in ready if engine.version == whose), None)
        under_way = any(
            (run.purpose, run.generator, run.version) == (Purpose.BASELINE, place.generator, whose)
            for run in probes.in_states(session, probes.OPEN)
        )
        if holder is None or under_way:
            return []
        return [baseline_run(place.generator, whose, place.chosen, holder.host, now, ACTOR)]

    def _routine(self, place: Place, host: str, what: Due, number: int, now: datetime) -> NewRun:
        whole = range(len(place.chosen.probes))
        return NewRun(
            generator=place.generator,
            version=place.version,
            set_id=place.chosen.id,
            purpose=Purpose.ROUTINE,
            places=tuple(whole) if what is Due.ALL else few(whole, place.pairs, number),
            against=place.against,
            host=host,
            expires_at=now + max(self._interval, timedelta(minutes=5)),
            ordered_by=ACTOR,
        )


class SyntheticSets:
    """Gives every generator the probe set that ships, once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def provide(self) -> None:
        with self._database.reading() as session:
            names = [generator.name for generator in versions.generators(session)]
            lacking = [name for name in names if probe_sets.find(session, name, SYNTHETIC) is None]
        if not lacking:
            return
        documents = [probe.document() for probe in synthetic()]
        with self._database.transaction() as session:
            for name in lacking:
                now = self._clock.now()
                probe_sets.add(
                    session, generator=name, name=SYNTHETIC, source="bundled", probes=documents, now=now, actor=ACTOR
                )


def probe_monitor(session: Session, generator: str) -> Probe | None:
    """The generator's enabled probe monitor; the first by name where there are several."""
    for each in monitors.all_of(session, generator):
        if each.enabled and each.kind == Probe().kind:
            try:
                document = parse(each.document)
            except SafelightError:
                continue  # its verdict says so
            if isinstance(document, Probe):
                return document
    return None


def _outlived(session: Session, generator: str) -> list[KnownRun]:
    """Routine runs that are still to be made of what does not serve any more."""
    entry = ledger.newest_release(session, generator)
    return [
        run
        for run in probes.in_states(session, probes.TO_BE_MADE)
        if run.generator == generator
        and run.purpose is Purpose.ROUTINE
        and (entry is None or run.version != entry.to_version)
    ]


def baseline_run(generator: str, version: int, chosen: KnownProbeSet, host: str, now: datetime, actor: str) -> NewRun:
    """The run whose outputs later ones are held against."""
    return NewRun(
        generator=generator,
        version=version,
        set_id=chosen.id,
        purpose=Purpose.BASELINE,
        places=tuple(range(len(chosen.probes))),
        repeats=min(REPEATS, len(chosen.plain)),
        host=host,
        expires_at=now + BASELINE_WITHIN,
        ordered_by=actor,
    )


def due(host: str, runs: Sequence[KnownRun], place: Place, interval: timedelta, now: datetime) -> Due:
    """What an engine is to make now. `runs` are the version's of the last day, the newest first.

    All are due once a day, first thing after a release, and for as long as the last ones were odd.
    """
    mine = [run for run in runs if run.host == host and run.incident_id is None and run.state is not RunState.CANCELLED]
    if any(run.open for run in mine) or (mine and now - mine[0].ordered_at < interval):
        return Due.NOTHING
    alike = [run for run in mine if run.purpose is Purpose.BASELINE or run.against == place.against]
    whole = any(len(run.places) >= len(place.chosen.plain) for run in alike)
    return Due.A_FEW if whole and not is_odd(mine[0]) else Due.ALL


def is_odd(run: KnownRun) -> bool:
    """Whether a judged run deserves a closer look."""
    document = run.result.get("comparison")
    return document is not None and Comparison.from_dict(document).suspicious


def few(whole: Sequence[int], pairs: int, number: int) -> tuple[int, ...]:
    """The `number`th handful: handful after handful through the set, round and round."""
    return tuple(whole[(number * pairs + i) % len(whole)] for i in range(min(pairs, len(whole))))

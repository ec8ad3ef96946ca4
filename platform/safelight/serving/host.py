"""The engine host: keeps the wanted versions loaded on this machine and says so in the store."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from registry.checkpoint import Reading
from registry.rules import last_known_good
from registry.versions import CopyCorrupt, Version, require_held
from safelight.clock import Clock
from safelight.ids import new_id
from safelight.serving.accounting import Accounts, has_gpu
from safelight.serving.child import ChildStatus, EngineChild
from safelight.serving.control import EngineSpec
from safelight.serving.desired import Bundle, changes, may_trust_unchanged, rest_seconds
from safelight.serving.device import Memory, host_memory
from safelight.serving.drilling import Drilling
from safelight.serving.processes import Processes
from safelight.serving.pulled import PulledCheckpoints
from safelight.serving.wants import WantedByLedger, Wants
from safelight.settings import EngineSettings
from safelight.store import chains, engines, versions
from safelight.store.database import Database, StoreError
from safelight.store.engines import STEADY_AFTER, EngineState, KnownEngine
from safelight.store.residency import Residency
from safelight.telemetry.meters import LOOP_FAILURES

logger = logging.getLogger(__name__)

HEARTBEAT = 1.0
DRAIN_AT_LEAST = 2.5
"""Seconds in which every gateway has learnt that an engine drains, and the engine has told what it still does."""
DRAIN_AT_MOST = 30.0
SILENT_AFTER = timedelta(seconds=10)
FORGET_AFTER = timedelta(days=1)
STOP_WITHIN = 1.5


@dataclass
class _Held:
    """An engine of this host. Times without a date are monotonic."""

    id: UUID
    child: EngineChild
    started_at: datetime
    ready_at: datetime | None = None
    ready_since: float | None = None
    draining_since: float | None = None
    released: bool = False


@dataclass
class _Rest:
    """How often a version failed in a row, and until when it is left alone."""

    failures: int = 0
    until: float = 0.0


@dataclass
class _Published:
    """What the store was told last, so that it is told again only when something changed or a heartbeat is due."""

    states: dict[UUID, EngineState] = field(default_factory=dict)
    at: float = float("-inf")


class VersionSource(Protocol):
    """Where checkpoints come from; `registry.versions.VersionStore` says how it answers."""

    def get(self, generator: str, number: int) -> Version: ...

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path: ...


class EngineHost:
    """Reconciles this machine's engine processes with what the ledger and the open releases ask for.

    A database that is away changes nothing: the engines go on, and their rows are mended when it is back.
    """

    def __init__(
        self,
        *,
        database: Database,
        version_store: VersionSource,
        settings: EngineSettings,
        token: SecretStr,
        checkpoints: Path,
        name: str,
        clock: Clock,
        machine: Callable[[], Memory] = host_memory,
        wants: Wants | None = None,
    ) -> None:
        """`name` is what this machine is known by, the replica of its generations; `machine` tells of its memory.

        `wants` says what to hold, in place of the ledger.
        """
        self._database = database
        self._versions = version_store
        self._settings = settings
        self._token = token
        self._pulled = PulledCheckpoints(checkpoints, settings.checkpoint_bytes)
        self._name = name
        self._clock = clock
        self._ledger = WantedByLedger(database, settings.keep_warm, name)
        self._wants = wants or self._ledger
        # Where somebody else decides what is held here, there is no place for more.
        self._drilling = Drilling(database, name, clock) if wants is None else None
        self._starts_ahead = settings.start_ahead and wants is None
        self._processes = Processes(clock, threads=settings.threads)
        self._held: dict[Bundle, _Held] = {}
        self._rests: dict[Bundle, _Rest] = {}
        self._ended: list[KnownEngine] = []
        self._published = _Published()
        self._fetching = threading.Lock()
        self._accounts = Accounts(gpu=has_gpu(settings.device), machine=machine)

    def run(self, stop: threading.Event) -> None:
        """Reconcile until `stop` is set, then end every engine within three seconds."""
        while not stop.wait(self._settings.poll_seconds):
            try:
                self.step()
            except Exception:  # whatever it is: a host that ended would take its engines with it
                LOOP_FAILURES.labels("engine host").inc()
                logger.exception("the host could not look around; the engines go on as they are")
        self.close()

    def step(self) -> None:
        """Look once: at the engines, at what is wanted, and bring the two nearer. Raises StoreError."""
        drilled = self._drilled()
        self._bury()
        for bundle, held in self._held.items():
            self._accounts.measured(bundle, held.child.status)
        wanted = self._wants.look()
        ready = {bundle: held.ready_at is not None for bundle, held in self._held.items()}
        waiting = [*wanted.waiting, *(bundle for bundle in drilled if bundle not in wanted.needed)]
        settled, fits = self._accounts.settle(wanted.needed, waiting, ready, self._processes.memory_ahead)
        # A drill is of no use in memory alone.
        wanted_now = [*wanted.needed, *(one for one in settled if not (one.spare and one.residency is Residency.HOST))]
        self._wake(wanted_now)
        now = self._clock.monotonic()
        resting = {bundle for bundle in wanted_now if self._rests.get(bundle.on_device, _Rest()).until > now}
        todo = changes(wanted_now, self._held.keys(), resting)
        for bundle, held in self._held.items():
            self._tend(held, retire=bundle in todo.retire)
        for bundle in todo.start:
            self._start(bundle)
        self._look_ahead(fits)
        self._publish()

    @property
    def empty(self) -> bool:
        """Whether it holds nothing any more."""
        return not self._held

    @property
    def settled(self) -> bool:
        """Whether each engine it holds is ready, or one could not be loaded at first. For another thread too."""
        held = list(self._held.values())
        return bool(self._rests) or (bool(held) and all(each.ready_at is not None for each in held))

    @property
    def unanswered(self) -> int:
        """Images that its engines were given and have not answered yet. For another thread too."""
        return sum(each.child.status.in_flight for each in list(self._held.values()))

    def close(self) -> None:
        """Let go of all engines, kill what does not end in time, and mark them stopped."""
        self._processes.end_ahead()
        for held in self._held.values():
            held.child.release()
        end = self._clock.monotonic() + STOP_WITHIN
        for held in self._held.values():
            if not held.child.join(max(end - self._clock.monotonic(), 0)):
                held.child.kill()
                held.child.join(0.2)
        self._bury()
        try:
            self._publish()
        except StoreError:
            logger.warning("the database does not answer; it will find these engines silent")

    def _wake(self, wanted_now: Sequence[Bundle]) -> None:
        """One that waits in the host's memory and is wanted on the device goes there, without being loaded again."""
        for bundle in wanted_now:
            asleep = bundle._replace(residency=Residency.HOST)
            if bundle.residency is Residency.DEVICE and bundle not in self._held and asleep in self._held:
                held = self._held[bundle] = self._held.pop(asleep)
                held.draining_since = None
                held.child.wake()

    def _drilled(self) -> list[Bundle]:
        if self._drilling is None:
            return []
        self._drilling.look({bundle: held.child.status for bundle, held in self._held.items()})
        return self._drilling.wanted()

    def _look_ahead(self, fits: bool) -> None:
        """Keep a process for the next engine, but start none beside an engine that is starting."""
        starting = any(held.child.status.state is EngineState.STARTING for held in self._held.values())
        if not fits:
            self._processes.end_ahead()
        elif self._starts_ahead and not starting:
            self._processes.start_ahead()

    def _start(self, bundle: Bundle) -> None:
        trust = may_trust_unchanged(bundle, self._rests.get(bundle.on_device, _Rest()).failures)
        child = EngineChild(
            lambda: self._prepare(bundle, child.has_read, trust_unchanged=trust),
            self._clock,
            self._processes,
            residency=bundle.residency,
        )
        self._held[bundle] = _Held(new_id(), child, self._clock.now())
        logger.info("starting an engine for version %s of %s", bundle.version, bundle.generator)
        child.start()

    def _prepare(self, bundle: Bundle, reading: Reading, *, trust_unchanged: bool) -> EngineSpec:
        version = self._versions.get(bundle.generator, bundle.version)
        manifest = require_held(version.generator, version.number, version.manifest)
        # Two versions may share one checkpoint, hence one fetch at a time.
        with self._fetching:
            folder = self._fetch(version, manifest.checkpoint, reading, trust_unchanged=trust_unchanged)
            self._accounts.fetched(bundle, self._pulled.used(manifest.checkpoint))
            self._make_room(manifest.checkpoint)
        return EngineSpec(
            folder=folder,
            manifest=manifest,
            device=self._settings.device,
            residency=bundle.residency,
            threads=self._settings.threads,
            max_batch=self._settings.max_batch,
            max_wait_ms=self._settings.max_wait_ms,
            host=self._settings.host,
            token=self._token.get_secret_value(),
        )

    def _fetch(self, version: Version, digest: str, reading: Reading, *, trust_unchanged: bool) -> Path:
        where = self._pulled.folder(digest)
        try:
            return self._versions.fetch(version, where, reading, trust_unchanged=trust_unchanged)
        except CopyCorrupt as error:
            # A disk that rots, a hand that slipped, a deletion that a crash cut short: none is the version's fault.
            logger.error("%s The host does so now.", error)
            self._pulled.discard(digest)
            return self._versions.fetch(version, where, reading)

    def _make_room(self, just_pulled: str) -> None:
        """What may have to serve stays on this disk: what is wanted, and what a generator would be taken back to."""
        try:
            wanted = self._ledger.look()
            bundles = {(each.generator, each.version) for each in (*wanted.needed, *wanted.waiting)}
            with self._database.reading() as session:
                for generator in versions.generators(session):
                    good = last_known_good(chains.decisive(session, generator.name))
                    bundles |= set() if good is None else {(generator.name, good)}
                found = [versions.require_version(session, *each) for each in bundles]
        except StoreError:
            return  # another time: there is room for one more, as far as anybody knows
        self._pulled.make_room({just_pulled, *(each.held.checkpoint for each in found if not each.external)})

    def _tend(self, held: _Held, *, retire: bool) -> None:
        status, now = held.child.status, self._clock.monotonic()
        if status.state is EngineState.READY and held.ready_at is None:
            held.ready_at, held.ready_since = self._clock.now(), now
        if held.child.hangs:
            held.child.kill()
        if held.released:
            return
        if not retire:
            held.draining_since = None  # wanted again before it was let go: it is still loaded
            return
        held.draining_since = now if held.draining_since is None else held.draining_since
        drained = now - held.draining_since
        idle = status.in_flight == 0 and drained >= DRAIN_AT_LEAST
        if status.state in (EngineState.STARTING, EngineState.STANDBY) or idle or drained >= DRAIN_AT_MOST:
            held.released = True
            held.child.release()

    def _bury(self) -> None:
        for bundle, held in list(self._held.items()):
            status = held.child.status
            if not status.ended or not held.child.join(0):
                continue
            del self._held[bundle]
            self._ended.append(self._describe(bundle, held, status))
            if status.state is EngineState.FAILED:
                self._rest(bundle, held)
                logger.warning("version %s of %s: %s", bundle.version, bundle.generator, status.detail)

    def _rest(self, bundle: Bundle, held: _Held) -> None:
        rest = self._rests.setdefault(bundle.on_device, _Rest())
        now = self._clock.monotonic()
        steady = held.ready_since is not None and now - held.ready_since >= STEADY_AFTER.total_seconds()
        rest.failures = 1 if steady else rest.failures + 1
        rest.until = now + rest_seconds(rest.failures)

    def _publish(self) -> None:
        statuses = {bundle: held.child.status for bundle, held in self._held.items()}
        rows = [self._describe(bundle, self._held[bundle], status) for bundle, status in statuses.items()]
        now = self._clock.monotonic()
        states = {row.id: row.state for row in rows}
        beat = now - self._published.at >= HEARTBEAT
        if not (beat or self._ended or states != self._published.states):
            return
        with self._database.transaction() as session:
            for row in [*self._ended, *rows]:
                engines.put(session, row)
            if beat:
                moment = self._clock.now()
                engines.fail_silent(session, moment - SILENT_AFTER)
                engines.forget_ended(session, moment - FORGET_AFTER)
        self._ended.clear()
        self._published = _Published(states, now)

    def _describe(self, bundle: Bundle, held: _Held, status: ChildStatus) -> KnownEngine:
        draining = held.draining_since is not None and not status.ended
        address = self._settings.advertise or self._settings.host
        return KnownEngine(
            id=held.id,
            generator=bundle.generator,
            version=bundle.version,
            host=self._name,
            pid=status.pid,
            url=f"http://{address}:{status.port}" if status.port is not None else "",
            state=EngineState.DRAINING if draining else status.state,
            detail=status.detail,
            environment_digest=status.environment_digest,
            started_at=held.started_at,
            ready_at=held.ready_at,
            heartbeat_at=self._clock.now(),
            spare=bundle.spare,
            residency=bundle.residency,
            host_bytes=status.host_bytes,
            device_bytes=status.device_bytes,
            memory_used=status.memory_used,
            memory_total=status.memory_total,
            bytes_read=status.bytes_read,
            bytes_total=status.bytes_total,
        )

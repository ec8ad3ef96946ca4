"""A host whose children are stand-ins: they live as a test says, and remember what their host did."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from registry.ledger import Draft, EntryKind
from safelight.clock import ManualClock
from safelight.serving.child import ChildStatus
from safelight.serving.control import EngineSpec
from safelight.serving.desired import Bundle
from safelight.serving.device import Memory
from safelight.serving.host import EngineHost
from safelight.serving.wants import Wants
from safelight.settings import EngineSettings
from safelight.store import engines, ledger, versions
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.residency import Residency

GB = 2**30


class Child:
    """Lives as a test says, and remembers what its host did."""

    every: list["Child"]

    def __init__(self, prepare: Callable[[], EngineSpec], _clock: object, _processes: object, **_how: object) -> None:
        self.prepare = prepare
        self.status = ChildStatus(EngineState.STARTING, heard_at=0.0)
        self.hangs = self.released = self.killed = self.woken = False
        Child.every.append(self)

    def start(self) -> None:
        self.become(EngineState.STARTING, pid=len(Child.every))

    def become(self, state: EngineState, **changed: Any) -> None:
        self.status = replace(self.status, state=state, **changed)

    def has_read(self, done: int, total: int) -> None:
        pass

    def release(self) -> None:
        self.released = True

    def wake(self) -> None:
        self.woken = True

    def kill(self) -> None:
        self.killed = True
        self.become(EngineState.FAILED, detail="the process ended by itself (signal 9)")

    def join(self, seconds: float) -> bool:
        if self.released and seconds:
            self.become(EngineState.STOPPED)
        return self.status.ended


class Ahead:
    """In place of a host's processes: whether one is kept started ahead, and what it takes."""

    def __init__(self, _clock: object, *, threads: int) -> None:
        self._kept = False

    def is_kept(self) -> bool:
        return self._kept

    def start_ahead(self) -> None:
        self._kept = True

    def end_ahead(self) -> None:
        self._kept = False

    @property
    def memory_ahead(self) -> int:
        return GB // 2 if self._kept else 0


class Scene:
    def __init__(
        self,
        database: Database,
        tmp_path: Path,
        device: str = "cpu",
        *,
        start_ahead: bool = True,
        wants: Wants | None = None,
    ) -> None:
        self.database = database
        self.clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.used = 10 * GB
        self.host = EngineHost(
            database=database,
            version_store=None,  # type: ignore[arg-type]  # stand-ins fetch nothing
            settings=EngineSettings(keep_warm=1, device=device, start_ahead=start_ahead),
            token=SecretStr("a token"),
            checkpoints=tmp_path,
            name="test-host",
            clock=self.clock,
            machine=lambda: Memory(used=self.used, total=100 * GB),
            wants=wants,
        )
        with database.transaction() as session:
            versions.add_generator(session, "sprites", "", self.clock.now())
        for version in (1, 2, 3):
            self.fetch(version)

    def fetch(self, version: int, size: int = GB) -> None:
        """Stand-ins fetch nothing: what a checkpoint takes on the disk is told to the host's accounts instead."""
        self.host._accounts.fetched(Bundle("sprites", version), size)

    def residencies(self) -> dict[int, Residency]:
        with self.database.reading() as session:
            living = [row for row in engines.engines(session, "sprites") if row.state in engines.LIVING]
        return {row.version: row.residency for row in living}

    def keeps_ahead(self) -> bool:
        return cast(Ahead, self.host._processes).is_kept()

    def release(self, version: int) -> None:
        with self.database.transaction() as session:
            before = ledger.newest_release(session, "sprites")
            draft = Draft(
                generator="sprites",
                scope=ledger.DEFAULT_SCOPE,
                kind=EntryKind.PROMOTE,
                from_version=before.to_version if before else None,
                to_version=version,
                to_digest="sha256:" + "0" * 64,
                actor="tester",
                reason="",
            )
            ledger.add(session, draft, self.clock.now())

    def rows(self) -> list[tuple[int, EngineState]]:
        with self.database.reading() as session:
            return [(row.version, row.state) for row in reversed(engines.engines(session, "sprites"))]

    def step(self, seconds: float = 0.2) -> None:
        self.clock.advance(seconds)
        self.host.step()

    def ready(self, *children: Child) -> None:
        for child in children:
            child.become(EngineState.READY, port=1234, environment_digest="sha256:environment")
        self.step()

"""A generator with four versions, and engines that can be said to be ready."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.clock import ManualClock
from safelight.ids import new_id
from safelight.releasing.service import Releasing
from safelight.store import engines, versions
from safelight.store.database import Database
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.versions import KnownVersion

GENERATOR = "studio"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

SetEngine = Callable[..., None]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def releasing(clock: ManualClock) -> Releasing:
    return Releasing(clock)


@pytest.fixture
def generator(database: Database) -> str:
    with database.transaction() as session:
        versions.add_generator(session, GENERATOR, "", NOON)
        for number in (1, 2, 3, 4):
            versions.put_version(session, _version(number))
    return GENERATOR


@pytest.fixture
def set_engine(database: Database, clock: ManualClock) -> SetEngine:
    """Say what an engine of a version is doing, now."""

    def set_state(
        version: int, state: EngineState = EngineState.READY, detail: str = "", generator: str = GENERATOR
    ) -> None:
        with database.transaction() as session:
            engines.put(
                session,
                KnownEngine(
                    id=new_id(),
                    generator=generator,
                    version=version,
                    host="one",
                    pid=1,
                    url="http://127.0.0.1:1",
                    state=state,
                    detail=detail,
                    environment_digest=None,
                    started_at=clock.now(),
                    ready_at=clock.now(),
                    heartbeat_at=clock.now(),
                ),
            )

    return set_state


def _version(number: int) -> KnownVersion:
    manifest = Manifest(
        checkpoint="sha256:" + f"{number:x}" * 64,
        dtype="float32",
        defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
        limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
        golden=(Golden(prompt="a red ball", seed=1),),
    )
    return KnownVersion(GENERATOR, number, manifest.digest, manifest, f"number {number}", NOON, "test")

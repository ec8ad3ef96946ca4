"""Two replicas on a Ray cluster of this machine: they answer through the gateway, a ledger entry flips, all ends."""

import asyncio
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from registry.ledger import EntryKind
from registry.parameters import Requested
from safelight.serving import ray_serve
from safelight.serving.cluster import ClusterHost
from safelight.serving.desired import Bundle
from safelight.serving.host import EngineHost
from safelight.serving.replica import Replica
from safelight.serving.request import GenerationRequest
from safelight.serving.wants import WantedAlone, WantedByLedger
from safelight.settings import EngineSettings, RaySettings
from safelight.store import versions
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.versions import KnownVersion
from tests.integration.serving.conftest import CLOCK, GENERATOR, TOKEN, WEIGHTS, FolderVersions, MemoryLog, Serving

SOURCE = FolderVersions([WEIGHTS / "good", WEIGHTS / "better"])
SETTINGS = RaySettings(replicas=2, warm_replicas=1, cpus=0.5)


def make(folder: Path, bundle: Bundle, address: str, number: str) -> Replica:
    """As `safelight.wiring.ray.replica` does, with versions straight from their folders."""
    alone, database = WantedAlone(bundle), Database(f"sqlite:///{folder / 'safelight.db'}")
    host = EngineHost(
        database=database,
        version_store=SOURCE,
        settings=EngineSettings(device="cpu", host=address),
        token=TOKEN,
        checkpoints=folder / "checkpoints",
        name=f"node/{number}",
        clock=CLOCK,
        wants=alone,
    )
    return Replica(host, alone, bundle, WantedByLedger(database, 1, "ray"), SETTINGS)


@pytest.fixture
def installation(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Serving]:
    """Version 1 serves, version 2 has served before it."""
    shutil.copy(migrated_sqlite, tmp_path / "safelight.db")
    database = Database(f"sqlite:///{tmp_path / 'safelight.db'}")
    made = Serving(database, SOURCE, CLOCK.now())
    with database.transaction() as session:
        versions.add_generator(session, GENERATOR, "", CLOCK.now())
        for number in (1, 2):
            version = SOURCE.get(GENERATOR, number)
            known = KnownVersion(GENERATOR, number, version.digest, version.manifest, "", CLOCK.now(), "tester")
            versions.put_version(session, known)
    for number in (2, 1):
        made.release(number)
    yield made
    database.dispose()


def processes() -> int:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum("raylet" in line or "ray::" in line or "gcs_server" in line for line in listed.splitlines())


@pytest.mark.timeout(200)  # a cluster, its controller and three engines: half a minute where nothing else runs
def test_replicas_answer_and_a_ledger_entry_flips_them(installation: Serving, tmp_path: Path) -> None:
    before = processes()
    ray_serve.connect("", shared_stores=False)
    stop = threading.Event()
    wants = WantedByLedger(installation.database, 1, "ray")
    host = ClusterHost(ray_serve.ServeCluster(SETTINGS, partial(make, tmp_path)), wants, SETTINGS, "digest")
    thread = threading.Thread(target=host.run, args=(stop,))
    thread.start()
    try:
        asyncio.run(_use(installation))
    finally:
        stop.set()
        thread.join()
        ray_serve.disconnect("")
    assert not installation.ready(), "each said so when it ended"
    assert processes() == before


async def _use(installation: Serving) -> None:
    def ready() -> Counter[tuple[int, str]]:
        return Counter((each.version, each.host) for each in installation.engines() if each.state is EngineState.READY)

    all_there = {(1, "node/0"), (1, "node/1"), (2, "node/0")}
    await asyncio.to_thread(installation.wait_until, lambda: set(ready()) == all_there, 100)

    log = MemoryLog()
    async with installation.gateway(log) as gateway:
        asked = GenerationRequest(generator=GENERATOR, requested=Requested(prompt="a red apple", seed=1, n=4))
        made = await gateway.generate(asked)
        assert {each.generation.replica for each in made} == {"node/0", "node/1"}
        assert {each.generation.version for each in made} == {1}

        installation.release(2, EntryKind.ROLLBACK)
        await gateway.refresh()
        made = await gateway.generate(asked)
        assert {(each.generation.version, each.generation.replica) for each in made} == {(2, "node/0")}
    assert len(log.records) == 8

"""A host with real engine processes on the studio's weights, and a gateway that records in memory."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

import pytest
from pydantic import SecretStr

import safelight.studio
from registry.checkpoint import Reading, inspect
from registry.ledger import Draft, Entry, EntryKind
from registry.manifest import Manifest, parse_manifest
from registry.parameters import Requested
from registry.versions import UnknownVersion, Version, fetch_verified
from safelight.clock import SystemClock
from safelight.recording.generation import Generation
from safelight.serving import host as host_module
from safelight.serving.dispatch import HttpEngineClient
from safelight.serving.gateway import Gateway, GatewayLimits
from safelight.serving.host import EngineHost
from safelight.serving.live_routing import LiveRouting
from safelight.serving.request import GenerationRequest
from safelight.serving.wire import Facts, Order
from safelight.settings import EngineSettings
from safelight.store import engines, ledger, versions
from safelight.store.database import Database
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.versions import KnownVersion
from tests.integration.serving.stage import Ahead, Child, Scene

GENERATOR = "sprites"
TOKEN = SecretStr("a token of this test run")
WEIGHTS = Path(safelight.studio.__file__).parent / "weights"
CLOCK = SystemClock()


def make_manifest(folder: Path, **changes: object) -> Manifest:
    """One that draws quickly: two steps are enough to see that an image comes out."""
    return parse_manifest(
        {
            "checkpoint": inspect(folder).digest,
            "dtype": "float32",
            "defaults": {"steps": 2, "guidance": 1, "width": 64, "height": 64},
            "limits": {
                "min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 500,
                "max_n": 4,
            },
            "golden": [{"prompt": "a red apple on a white background", "seed": 1}],
            **changes,
        }
    )  # fmt: skip


@dataclass
class FolderVersions:
    """Versions straight from folders on this disk."""

    folders: list[Path]

    def get(self, generator: str, number: int) -> Version:
        if not 1 <= number <= len(self.folders):
            raise UnknownVersion(generator, number)
        manifest = make_manifest(self.folders[number - 1])
        return Version(generator, number, manifest.digest, manifest, CLOCK.now(), str(self.folders[number - 1]))

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path:
        def download(staging: Path) -> Path:
            return Path(shutil.copytree(version.source, staging / "checkpoint"))

        return fetch_verified(version, destination, download, reading, trust_unchanged=trust_unchanged)


@dataclass
class MemoryLog:
    """Records in a list."""

    records: list[tuple[Generation, bytes | None]] = field(default_factory=list)

    async def record(self, generation: Generation, image: bytes | None) -> None:
        self.records.append((generation, image))


class NotedOrders(HttpEngineClient):
    """Notes when each engine was last sent an order."""

    def __init__(self, last: dict[str, datetime]) -> None:
        super().__init__(TOKEN)
        self._last = last

    async def order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        self._last[url] = CLOCK.now()
        return await super().order(url, order)


@dataclass
class Serving:
    """An installation of this test: its database, and a host that runs in a thread."""

    database: Database
    source: FolderVersions
    started: datetime
    last_orders: dict[str, datetime] = field(default_factory=dict)

    def release(self, version: int, kind: EntryKind = EntryKind.PROMOTE) -> Entry:
        with self.database.transaction() as session:
            before = ledger.newest_release(session, GENERATOR)
            draft = Draft(
                generator=GENERATOR,
                scope=ledger.DEFAULT_SCOPE,
                kind=kind,
                from_version=before.to_version if before else None,
                to_version=version,
                to_digest=self.source.get(GENERATOR, version).digest,
                actor="tester",
                reason="a test",
            )
            return ledger.add(session, draft, CLOCK.now())

    def engines(self) -> list[KnownEngine]:
        with self.database.reading() as session:
            return engines.engines(session, GENERATOR)

    def ready(self) -> dict[int, KnownEngine]:
        return {each.version: each for each in self.engines() if each.state is EngineState.READY}

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        end = monotonic() + seconds
        while not condition():
            assert monotonic() < end, f"not within {seconds} s; the engines: {self.engines()}"
            sleep(0.05)

    @asynccontextmanager
    async def gateway(self, log: MemoryLog, patience: float = 45.0) -> AsyncIterator[Gateway]:
        client = NotedOrders(self.last_orders)
        gateway = Gateway(
            routing=LiveRouting(self.database, "gateway-1", CLOCK),
            engines=client,
            log=log,
            limits=GatewayLimits(max_in_flight=64, request_seconds=60.0, patience_seconds=patience),
            clock=CLOCK,
        )
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()
            await client.close()


@pytest.fixture(scope="session", name="make_manifest")
def _make_manifest() -> Callable[..., Manifest]:
    return make_manifest


@pytest.fixture(scope="session")
def weights() -> Path:
    return WEIGHTS


@pytest.fixture(scope="module")
def serving(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Version 1 serves, and versions 1 and 2 are held ready, each by a process of its own."""
    folder = tmp_path_factory.mktemp("serving")
    shutil.copy(migrated_sqlite, folder / "safelight.db")
    database = Database(f"sqlite:///{folder / 'safelight.db'}")
    installation = Serving(database, FolderVersions([WEIGHTS / "good", WEIGHTS / "better"]), CLOCK.now())
    with database.transaction() as session:
        versions.add_generator(session, GENERATOR, "", CLOCK.now())
        for number in (1, 2):
            version = installation.source.get(GENERATOR, number)
            known = KnownVersion(GENERATOR, number, version.digest, version.manifest, "", CLOCK.now(), "tester")
            versions.put_version(session, known)
    installation.release(1)
    installation.release(2)
    installation.release(1, EntryKind.ROLLBACK)
    host = EngineHost(
        database=database,
        version_store=installation.source,
        settings=EngineSettings(device="cpu", keep_warm=1, start_ahead=False),
        token=TOKEN,
        checkpoints=folder / "checkpoints",
        name="test-host",
        clock=CLOCK,
    )
    stop = threading.Event()
    thread = threading.Thread(target=host.run, args=(stop,))
    thread.start()
    try:
        installation.wait_until(lambda: installation.ready().keys() == {1, 2})
        yield installation
    finally:
        stop.set()
        thread.join()
        database.dispose()


@dataclass
class Load:
    """Clients that ask for one image after the other. `answered` holds what they were given."""

    gateway: Gateway
    answered: list[Generation] = field(default_factory=list)
    _until: asyncio.Event = field(default_factory=asyncio.Event)
    _clients: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, clients: int) -> None:
        self._clients = [asyncio.create_task(self._ask_again_and_again(number)) for number in range(clients)]

    async def reach(self, images: int) -> None:
        """Wait until so many were answered in all. A client that fails fails the test."""
        async with asyncio.timeout(50):
            while len(self.answered) < images:
                await asyncio.wait(self._clients, timeout=0.02, return_when=asyncio.FIRST_EXCEPTION)
                for client in self._clients:
                    if client.done():
                        client.result()

    async def stop(self) -> None:
        self._until.set()
        await asyncio.gather(*self._clients)

    async def _ask_again_and_again(self, number: int) -> None:
        asked = Requested(prompt=f"a blue car on a white background, please, number {number}")
        while not self._until.is_set():
            [made] = await self.gateway.generate(GenerationRequest(generator=GENERATOR, requested=asked))
            self.answered.append(made.generation)


@pytest.fixture
def start_load() -> Callable[[Gateway, int], Load]:
    def start(gateway: Gateway, clients: int) -> Load:
        load = Load(gateway)
        load.start(clients)
        return load

    return start


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    Child.every = []
    monkeypatch.setattr(host_module, "EngineChild", Child)
    monkeypatch.setattr(host_module, "Processes", Ahead)


@pytest.fixture
def scene(database: Database, tmp_path: Path, stand_ins: None) -> Scene:
    return Scene(database, tmp_path)

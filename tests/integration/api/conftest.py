"""The whole API on a real server, in front of an engine that draws noise: everything but the weights."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from registry.fakes import FolderVersionStore
from registry.ledger import Draft, EntryKind
from registry.manifest import parse_manifest
from safelight.access import Role
from safelight.api.app import create_app
from safelight.api.image_links import ImageLinks
from safelight.api.platform import Platform
from safelight.clock import SystemClock
from safelight.ids import new_id
from safelight.recording.images import open_images
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.releasing.registration import Registration
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.responding.handling import Handling
from safelight.serving import engine_app
from safelight.serving.batching import Window
from safelight.serving.dispatch import HttpEngineClient
from safelight.serving.gateway import Gateway, GatewayLimits
from safelight.serving.jobs import JobRunner
from safelight.serving.live_routing import LiveRouting
from safelight.serving.rendering import NoisePipeline
from safelight.serving.token import link_key
from safelight.serving.worker import BatchWorker
from safelight.settings import Settings
from safelight.store import access, engines, ledger, versions
from safelight.store.database import Database
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.journal import JournalFile
from safelight.store.versions import KnownVersion

TOKEN = SecretStr("a token of this test")
CLOCK = SystemClock()
MANIFEST = parse_manifest(
    {
        "checkpoint": "sha256:" + "0" * 64,
        "dtype": "float32",
        "defaults": {"steps": 2, "guidance": 1, "width": 64, "height": 64},
        "limits": {
            "min_side": 32,
            "max_side": 64,
            "max_steps": 50,
            "max_guidance": 20,
            "max_prompt_length": 500,
            "max_n": 4,
        },
        "golden": [{"prompt": "a red apple", "seed": 1}],
    }
)


@dataclass
class Installation:
    """A served API and what lies behind it. `ship` moves the journal's entries on; until then they stay there."""

    url: str
    database: Database
    keys: dict[Role, tuple[UUID, str]]
    ship: Callable[[], int]

    def client(self, role: Role = Role.OPERATOR) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.keys[role][1]}"}
        # Nothing is encrypted here, and reading the system's certificates takes longer than a request.
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=30)  # noqa: S501 - nothing is encrypted


class _Server(uvicorn.Server):
    """A server that tells its port and stays out of the signals' way."""

    def __init__(self, app: object) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_config=None))  # type: ignore[arg-type]  # any ASGI application
        self.port = 0
        self.listening = asyncio.Event()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.port = self.servers[0].sockets[0].getsockname()[1]
        self.listening.set()


@asynccontextmanager
async def served(app: object) -> AsyncIterator[str]:
    server = _Server(app)
    running = asyncio.create_task(server._serve())
    await server.listening.wait()
    yield f"http://127.0.0.1:{server.port}"
    server.should_exit = True
    await running


def populate(database: Database, engine_url: str) -> dict[Role, tuple[UUID, str]]:
    """One generator: version 1 serves, held by one engine that lives for ever, 2 is registered; a key of each role."""
    now = CLOCK.now()
    with database.transaction() as session:
        versions.add_generator(session, "sprites", "", now)
        for number in (1, 2):
            known = KnownVersion("sprites", number, MANIFEST.digest, MANIFEST, "", now, "tester")
            versions.put_version(session, known)
        draft = Draft(
            generator="sprites",
            scope=ledger.DEFAULT_SCOPE,
            kind=EntryKind.PROMOTE,
            from_version=None,
            to_version=1,
            to_digest=MANIFEST.digest,
            actor="tester",
            reason="a test",
        )
        ledger.add(session, draft, now)
        engine = KnownEngine(
            id=new_id(),
            generator="sprites",
            version=1,
            host="test-host",
            pid=None,
            url=engine_url,
            state=EngineState.READY,
            detail="",
            environment_digest=None,
            started_at=now,
            ready_at=now,
            heartbeat_at=now + timedelta(hours=1),
        )
        engines.put(session, engine)
        made = {role: access.create_key(session, role.value, role, now) for role in Role}
    return {role: (key.id, secret) for role, (key, secret) in made.items()}


@asynccontextmanager
async def installation(folder: Path, database: Database) -> AsyncIterator[Installation]:
    settings = Settings(data_dir=folder)
    images = open_images(settings.images_url, settings.images)
    journal = Journal(JournalFile(settings.journal_dir, settings.journal.max_bytes))
    losses = Losses(bucket_seconds=60)
    shipper = Shipper(
        JournalFile(settings.journal_dir, settings.journal.max_bytes),
        losses,
        images,
        database,
        CLOCK,
        bucket_seconds=60,
        thumbnail_pixels=32,
    )
    recorder = Recorder(journal, losses, CLOCK, settings.journal.on_full)
    store = FolderVersionStore(folder / "registry", CLOCK.now)
    client = HttpEngineClient(TOKEN)
    gateway = Gateway(
        routing=LiveRouting(database, "gateway-1", CLOCK),
        engines=client,
        log=recorder,
        limits=GatewayLimits(max_in_flight=8, request_seconds=30.0, patience_seconds=5.0, max_waiting=64),
        clock=CLOCK,
    )
    platform = Platform(
        settings=settings,
        clock=CLOCK,
        database=database,
        versions=store,
        images=images,
        recorder=recorder,
        gateway=gateway,
        releasing=Releasing(CLOCK),
        registration=Registration(database, store, CLOCK),
        handling=Handling(Links(settings.public_url)),
        image_links=ImageLinks(settings.public_url, link_key(settings), timedelta(minutes=settings.api.link_minutes)),
        stopping=asyncio.Event(),
    )

    @asynccontextmanager
    async def lifetime() -> AsyncIterator[Platform]:
        yield platform

    async with (
        BatchWorker(NoisePipeline(), Window(4, 0.0), CLOCK) as worker,
        served(engine_app.build(worker, TOKEN.get_secret_value())) as engine_url,
    ):
        keys = populate(database, engine_url)
        await gateway.start()
        jobs = asyncio.create_task(JobRunner(database, gateway, CLOCK, "runner-1", at_once=4).run())
        async with served(create_app(settings.api, lifetime)) as url:
            yield Installation(url, database, keys, shipper.run_once)
        jobs.cancel()
        await asyncio.wait({jobs})
        await gateway.stop()
        await client.close()
    journal.close()
    shipper.close()


@pytest.fixture(scope="module")
def api(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{folder / 'safelight.db'}")
    ready: list[Installation] = []
    stand_by, stop = threading.Event(), threading.Event()

    async def run() -> None:
        try:
            async with installation(folder, database) as made:
                ready.append(made)
                stand_by.set()
                await asyncio.to_thread(stop.wait)
        finally:
            stand_by.set()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert stand_by.wait(20)
    yield ready[0]
    stop.set()
    thread.join()
    database.dispose()

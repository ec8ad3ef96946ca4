"""The composition root: the only place that decides which parts are put together, and the only one that knows all."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from registry.versions import VersionStore
from safelight.api.platform import Platform
from safelight.clock import Clock, SystemClock
from safelight.comparing.daily import DailyReporter
from safelight.housekeeping import Housekeeping
from safelight.ids import new_id
from safelight.importing.importer import Importer
from safelight.notifying.deliverer import Deliverer
from safelight.probing.judging import ProbeJudge
from safelight.probing.ordering import ProbeOrderer, SyntheticSets
from safelight.probing.runner import ProbeRunner
from safelight.recording.adoption import Adopter
from safelight.recording.claiming import claim
from safelight.recording.images import open_images
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.reporting import JournalReporter
from safelight.recording.shipper import Shipper
from safelight.releasing.alias import AliasProjection
from safelight.releasing.follower import Follower
from safelight.releasing.registration import Registration
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.responding.deciding import Decider
from safelight.responding.handling import Handling
from safelight.responding.responder import Responder
from safelight.scoring.attributes import AttributeReader
from safelight.scoring.backfill import Backfiller
from safelight.scoring.embedder import Embedder
from safelight.scoring.examining import Examiner
from safelight.scoring.folding import Folder
from safelight.scoring.rolling import RollUp
from safelight.scoring.scorer import Scorer
from safelight.serving.dispatch import HttpEngineClient
from safelight.serving.gateway import Gateway, GatewayLimits
from safelight.serving.host import EngineHost
from safelight.serving.live_routing import LiveRouting
from safelight.serving.replaying import Replayer
from safelight.serving.token import engine_token
from safelight.settings import Settings
from safelight.store.database import Database
from safelight.store.journal import JournalFile
from safelight.studio.versions import EMBEDDER
from safelight.watching.assess import Assessor
from safelight.watching.automatic import AutomaticBaselines
from safelight.watching.evidence import EvidenceGatherer
from safelight.watching.lease import Leadership
from safelight.watching.lenses import LensCache
from safelight.watching.making import Maker
from safelight.watching.observing import Observer
from safelight.watching.recovery import RecoveryJudge
from safelight.watching.reports import Reporter
from safelight.watching.schedule import Job, Schedule
from safelight.watching.slicing import Slicing
from safelight.watching.tick import Ticker
from safelight.worker import Loop, Worker

_CHORES_SECONDS = 10.0
_TIDY_SECONDS = 3600.0
_DAILY_LOOKED_FOR_SECONDS = 900.0
_DELIVERY_SECONDS = 0.5
_REPORT_SECONDS = 1.0
_BACKFILL_SECONDS = 2.0
_ORDER_SECONDS = 2.0
_JUDGE_SECONDS = 0.5
_BASELINE_SECONDS = 1.0
_AUTOMATIC_SECONDS = 60.0
_ATTRIBUTES_SECONDS = 60.0
_ADOPT_SECONDS = 60.0
_REPORT_JOURNAL_SECONDS = 10.0


def clock() -> Clock:
    return SystemClock()


def database(settings: Settings) -> Database:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Database(settings.database_url, settings.database.lock_timeout_seconds)


def version_store(settings: Settings) -> VersionStore:
    from registry.mlflow_store import MlflowVersionStore  # takes seconds to import

    artifacts = (settings.data_dir.resolve() / "mlflow").as_uri()
    return MlflowVersionStore(settings.tracking_uri, artifact_root=artifacts)


def registration(settings: Settings) -> Registration:
    return Registration(database(settings), version_store(settings), clock())


def releasing() -> Releasing:
    return Releasing(clock())


def embedder(settings: Settings) -> Embedder:
    from safelight.scoring.embedder import OpenClipEmbedder  # brings in torch

    scoring = settings.scoring
    return OpenClipEmbedder(scoring.embedder or str(EMBEDDER), scoring.pretrained, device=scoring.device)


def host_name() -> str:
    return socket.gethostname()


@asynccontextmanager
async def api_lifetime(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Platform]:
    """What an API process runs beside its requests: the gateway, the shipper, and the follower of releases."""
    time, store = clock(), database(settings)
    images = open_images(settings.images_url, settings.images)
    own = claim(settings.journal_dir)
    file = JournalFile(own.folder, settings.journal.max_bytes)
    journal = Journal(file)
    losses = Losses(settings.watching.bucket_seconds)
    recorder = Recorder(journal, losses, time, settings.journal.on_full)
    shipper = _shipper(settings, own.folder, losses, store)
    adopter = Adopter(settings.journal_dir, lambda folder: _shipper(settings, folder, losses, store))
    reporter = JournalReporter(file, f"{host_name()}/{own.folder.name}", store, time)
    engines = HttpEngineClient(engine_token(settings))
    gateway = Gateway(
        routing=LiveRouting(store, f"{host_name()}-{new_id()}", time),
        engines=engines,
        log=recorder,
        limits=GatewayLimits(settings.api.max_in_flight, settings.api.request_timeout_seconds),
        clock=time,
    )
    prober = ProbeRunner(store, gateway, time, f"{host_name()}-{new_id()}", settings.probing.at_once)
    replayer = Replayer(store, gateway, time, f"{host_name()}-{new_id()}")
    release_rules = Releasing(time)
    stopped = threading.Event()
    loops = (
        Loop("adopter", adopter.run_once, _ADOPT_SECONDS),
        Loop("journal report", reporter.run_once, _REPORT_JOURNAL_SECONDS),
    )
    threads = [
        threading.Thread(target=shipper.run, args=(stopped,), name="shipper"),
        threading.Thread(target=Follower(store, release_rules).run, args=(stopped,), name="follower"),
        *(threading.Thread(target=each.run, args=(stopped,), name=each.name) for each in loops),
    ]
    versions = version_store(settings)
    await gateway.start()
    for thread in threads:
        thread.start()
    background = {asyncio.create_task(prober.run()), asyncio.create_task(replayer.run())}
    try:
        yield Platform(
            settings=settings,
            clock=time,
            database=store,
            versions=versions,
            images=images,
            recorder=recorder,
            gateway=gateway,
            releasing=release_rules,
            registration=Registration(store, versions, time),
            handling=Handling(Links(settings.public_url)),
            stopping=stopping,
        )
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        await gateway.stop()
        stopped.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await engines.close()
        journal.close()
        shipper.close()
        own.release()
        store.dispose()


def _shipper(settings: Settings, folder: Path, losses: Losses, store: Database) -> Shipper:
    return Shipper(
        JournalFile(folder, settings.journal.max_bytes),
        losses,
        open_images(settings.images_url, settings.images),
        store,
        clock(),
        bucket_seconds=settings.watching.bucket_seconds,
        thumbnail_pixels=settings.images.thumbnail_pixels,
    )


@contextmanager
def importer(settings: Settings) -> Iterator[Importer]:
    """An importer with a journal of its own, which an import that is cut off leaves to the next one."""
    time, store, folder = clock(), database(settings), settings.data_dir / "import"
    journal = Journal(JournalFile(folder, settings.journal.max_bytes))
    losses = Losses(settings.watching.bucket_seconds)
    shipper = _shipper(settings, folder, losses, store)
    try:
        yield Importer(store, Recorder(journal, losses, time, settings.journal.on_full), shipper, time)
    finally:
        journal.close()
        shipper.close()
        store.dispose()


def engine_host(settings: Settings) -> EngineHost:
    return EngineHost(
        database=database(settings),
        version_store=version_store(settings),
        settings=settings.engine,
        token=engine_token(settings),
        checkpoints=settings.checkpoints_dir,
        name=host_name(),
        clock=clock(),
    )


def worker(settings: Settings) -> Worker:
    time, store, sight = clock(), database(settings), embedder(settings)
    name = f"{host_name()}-{new_id()}"
    lenses = LensCache()
    observer = Observer(lenses, sight.digest, timedelta(minutes=settings.watching.feedback_minutes))
    assessor = Assessor(settings.watching, observer, sight.digest)
    links, probing = Links(settings.public_url), settings.probing
    decider = Decider(Releasing(time), links, probing.confirm_pairs)
    responder = Responder(decider, EvidenceGatherer(lenses, sight.digest), RecoveryJudge(assessor, observer), links)
    leadership = Leadership(store, time, name, settings.watching.lease_seconds)
    ticker = Ticker(store, time, assessor, responder, leadership, name, settings.watching.tick_seconds)
    watching = settings.watching
    examiner = Examiner(open_images(settings.images_url, settings.images), sight, time)
    folder = Folder(lenses, sight.digest, Slicing(watching.slices, watching.most_slices), time, watching.bucket_seconds)
    scorer = Scorer(store, examiner, folder, batch=settings.scoring.batch)
    registered = version_store(settings)
    chores = Housekeeping(store, Registration(store, registered, time), AliasProjection(store, registered, time), time)
    deliverer = Deliverer(store, settings.notifying, time)
    judge = ProbeJudge(
        store,
        open_images(settings.images_url, settings.images),
        sight.digest,
        decider,
        time,
        probing.confirm_pairs,
    )
    orderer = ProbeOrderer(store, leadership, time, sight.digest, probing.interval_seconds)
    automatic = AutomaticBaselines(store, time, leadership, settings.baselines, sight.digest)
    schedule = Schedule(
        [
            Job("lease", leadership.renew_seconds, leadership.renew),
            Job("tick", settings.watching.tick_seconds, ticker.run_once),
            Job("monitors", _CHORES_SECONDS, chores.provide_monitors),
            Job("probe sets", _CHORES_SECONDS, SyntheticSets(store, time).provide),
            Job("registry", _CHORES_SECONDS, chores.follow_registry),
            Job("baselines", _AUTOMATIC_SECONDS, automatic.run_once),
            Job("tidy", _TIDY_SECONDS, chores.tidy),
            Job("daily reports", _DAILY_LOOKED_FOR_SECONDS, DailyReporter(store, time, lenses, sight.digest).run_once),
            Job("attributes", _ATTRIBUTES_SECONDS, AttributeReader(store, sight, time).run_once),
        ]
    )
    loops = [
        Loop("scorer", scorer.run_once, settings.scoring.poll_seconds),
        Loop("roll-up", RollUp(store, time).run_once, _TIDY_SECONDS),
        Loop("backfill", Backfiller(store, examiner, folder, time).run_once, _BACKFILL_SECONDS),
        Loop("reporter", Reporter(store, time, sight.digest).run_once, _REPORT_SECONDS),
        Loop("baselines", Maker(store, time, name, sight.digest).run_once, _BASELINE_SECONDS),
        Loop("deliverer", deliverer.run_once, _DELIVERY_SECONDS),
        Loop("probe orderer", orderer.run_once, _ORDER_SECONDS),
        Loop("probe judge", judge.run_once, _JUDGE_SECONDS),
    ]
    return Worker(loops, schedule, leadership)

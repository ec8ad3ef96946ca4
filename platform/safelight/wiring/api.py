"""An API process: the gateway, and what carries its journal to the stores."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from safelight.api.image_links import ImageLinks
from safelight.api.platform import Platform
from safelight.ids import new_id
from safelight.probing.runner import ProbeRunner
from safelight.recording.adoption import Adopter
from safelight.recording.claiming import claim
from safelight.recording.forgotten import SetAside
from safelight.recording.images import open_images
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.redaction import Redactor
from safelight.recording.reporting import JournalReporter
from safelight.releasing.follower import Follower
from safelight.releasing.registration import Registration
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.responding.handling import Handling
from safelight.serving.dispatch import HttpEngineClient
from safelight.serving.gateway import Gateway, GatewayLimits
from safelight.serving.jobs import JobRunner
from safelight.serving.live_routing import LiveRouting
from safelight.serving.remaking import Remaker
from safelight.serving.replaying import Replayer
from safelight.serving.token import engine_token, link_key
from safelight.settings import Settings
from safelight.store.journal import JournalFile
from safelight.wiring import clock, database, host_name, version_store
from safelight.wiring.recording import shipper_of
from safelight.worker import Loop

_ADOPT_SECONDS = 60.0
_REPORT_JOURNAL_SECONDS = 10.0


@asynccontextmanager
async def api_lifetime(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Platform]:
    """What an API process runs beside its requests: the gateway, the shipper, and the follower of releases."""
    time, store = clock(), database(settings)
    images = open_images(settings.images_url, settings.images)
    own = claim(settings.journal_dir)
    file = JournalFile(own.folder, settings.journal.max_bytes)
    journal = Journal(file)
    losses = Losses(settings.watching.bucket_seconds)
    recorder = Recorder(journal, losses, time, settings.journal.on_full, Redactor(settings.redaction))
    shipper = shipper_of(settings, own.folder, losses, store)
    adopter = Adopter(settings.journal_dir, lambda folder: shipper_of(settings, folder, losses, store))
    reporter = JournalReporter(file, f"{host_name()}/{own.folder.name}", store, time)
    engines = HttpEngineClient(engine_token(settings))
    gateway = Gateway(
        routing=LiveRouting(store, f"{host_name()}-{new_id()}", time),
        engines=engines,
        log=recorder,
        limits=GatewayLimits(
            max_in_flight=settings.api.max_in_flight,
            request_seconds=settings.api.request_timeout_seconds,
            max_waiting=settings.api.max_waiting,
            images_per_minute=settings.api.images_per_minute,
            burst=settings.api.images_at_once,
        ),
        clock=time,
    )
    prober = ProbeRunner(store, gateway, time, f"{host_name()}-{new_id()}", settings.probing.at_once)
    replayer = Replayer(store, gateway, time, f"{host_name()}-{new_id()}")
    remaker = Remaker(store, gateway, time, f"{host_name()}-{new_id()}")
    jobs = JobRunner(store, gateway, time, f"{host_name()}-{new_id()}", settings.api.jobs_at_once)
    release_rules = Releasing(time)
    stopped = threading.Event()
    loops = (
        Loop("adopter", adopter.run_once, _ADOPT_SECONDS),
        Loop("journal report", reporter.run_once, _REPORT_JOURNAL_SECONDS),
        Loop("set aside", SetAside(file, store).run_once, _ADOPT_SECONDS),
    )
    threads = [
        threading.Thread(target=shipper.run, args=(stopped,), name="shipper"),
        threading.Thread(target=Follower(store, release_rules).run, args=(stopped,), name="follower"),
        *(threading.Thread(target=each.run, args=(stopped,), name=each.name) for each in loops),
    ]
    versions = version_store(settings)
    background: list[asyncio.Task[None]] = []
    try:
        await gateway.start()
        for thread in threads:
            thread.start()
        background += [asyncio.create_task(each.run()) for each in (prober, replayer, remaker, jobs)]
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
            image_links=ImageLinks(
                settings.public_url, link_key(settings), timedelta(minutes=settings.api.link_minutes)
            ),
            stopping=stopping,
        )
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await gateway.stop()
        stopped.set()
        for thread in threads:
            if thread.is_alive():  # none is where the store was away at the start
                await asyncio.to_thread(thread.join)
        await engines.close()
        journal.close()
        shipper.close()
        own.release()
        store.dispose()

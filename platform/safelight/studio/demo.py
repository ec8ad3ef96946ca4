"""The demonstration: the studio's versions registered and released the way any other's are, and people who ask."""

import asyncio
import logging
import tempfile
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

import httpx

from registry.progress import State
from registry.rules import known_good, serving
from safelight.access import Role
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.releasing.registration import Registration
from safelight.releasing.service import Releasing
from safelight.store import access, baselines, ledger, releases, versions
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Database, Session
from safelight.studio.prompts import Mix, prompt_stream
from safelight.studio.traffic import Traffic
from safelight.studio.versions import BASELINES, build_version, numbers
from safelight.watching import recorded
from safelight.watching.baselines import from_recorded
from safelight.watching.lenses import LensCache, LensUnreadable

logger = logging.getLogger(__name__)

GENERATOR = "studio"


ACTOR = "demo"
KEY_NAME = "demo traffic"
_ACCEPTED = (1, 2)
"""The versions production goes through before anything happens: the second serves, the first is known good."""
_POLL_SECONDS = 0.2


def seed(registration: Registration) -> None:
    """Register all the studio's versions; those that are known already stay as they are."""
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers():
            built = build_version(number, Path(folder) / str(number))
            manifest = built.manifest.model_dump(mode="json", exclude={"checkpoint"})
            registration.register(GENERATOR, built.folder, manifest, ACTOR)


def provide_baselines(database: Database, clock: Clock, folder: Path = BASELINES) -> None:
    """Keep the baselines that were recorded of the shipped versions, each bound to its weights' digest.

    One that an earlier release has left behind, and that this one cannot read or sees with other eyes, is made again
    under another name: baselines never change.
    """
    with database.reading() as session:
        known = baselines.of_generator(session, GENERATOR)
        registered = {version.number: version.digest for version in versions.versions(session, GENERATOR)}
        usable = {(each.version, each.embedder_digest) for each in known if _is_ours_and_readable(session, each)}
    for file in sorted(folder.glob("*.safetensors")):
        sample = recorded.read(file)
        number = next((number for number, digest in registered.items() if digest == sample.bundle_digest), None)
        if number is None:
            logger.warning("the recorded sample %s is of no registered version; its baseline is left out", file.name)
            continue
        if (number, sample.embedder_digest) in usable:
            continue
        fitted = from_recorded(
            sample,
            generator=GENERATOR,
            version=number,
            bundle_digest=sample.bundle_digest,
            embedder_digest=sample.embedder_digest,
            name=_free_name(file.stem, {each.name for each in known}),
            created_by=ACTOR,
        )
        with database.transaction() as session:
            baselines.add(session, fitted, clock.now())


def _is_ours_and_readable(session: Session, baseline: KnownBaseline) -> bool:
    if baseline.created_by != ACTOR:
        return False
    try:
        LensCache().get(session, baseline)
    except LensUnreadable:
        return False
    return True


def _free_name(wanted: str, taken: Collection[str]) -> str:
    names = chain([wanted], (f"{wanted} ({number})" for number in count(2)))
    return next(name for name in names if name not in taken)


def release_in_turn(database: Database, releasing: Releasing, clock: Clock, stop: threading.Event) -> None:
    """Promote and accept the first versions, where nothing serves yet; the last one finds its baseline there."""
    with database.reading() as session:
        entries = ledger.chain(session, GENERATOR)
    if _ACCEPTED[-1] in known_good(entries):
        provide_baselines(database, clock)
    for version in _ACCEPTED:
        if version in known_good(entries) or (serving(entries) or 0) > version:
            continue
        if version == _ACCEPTED[-1]:
            provide_baselines(database, clock)
        if serving(entries) != version:
            _promote(database, releasing, version, stop)
        if stop.is_set():
            return
        with database.transaction() as session:
            releasing.accept(
                session, generator=GENERATOR, expected_serving=version, actor=ACTOR, reason="shipped with Safelight"
            )
            entries = ledger.chain(session, GENERATOR)


def traffic_key(database: Database, clock: Clock) -> str:
    """A fresh client key; the one of an earlier run is revoked, since nobody knows its secret any more."""
    now = clock.now()
    with database.transaction() as session:
        for key in access.keys(session):
            if key.name == KEY_NAME and key.revoked_at is None:
                access.revoke_key(session, key.id, now)
        return access.create_key(session, KEY_NAME, Role.CLIENT, now)[1]


async def send_traffic(
    url: str, key: str, rate: Callable[[], float], mix: Mix, clock: Clock, stop: threading.Event
) -> None:
    """Ask for images until told to stop; what people ask for changes with the hour of the day."""

    def hour() -> float:
        now = clock.now()
        return now.hour + now.minute / 60

    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=150.0, trust_env=False) as client:
        running = asyncio.create_task(
            Traffic(client, GENERATOR, prompt_stream(_seed(clock), mix.prompts, hour), rate).run()
        )
        await asyncio.to_thread(stop.wait)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _seed(clock: Clock) -> int:
    """Another stream at every start: nobody asks for yesterday's pictures again."""
    return int(clock.now().timestamp())


def _promote(database: Database, releasing: Releasing, version: int, stop: threading.Event) -> None:
    with database.transaction() as session:
        versions.require_version(session, GENERATOR, version)
        release = releasing.promote(
            session,
            generator=GENERATOR,
            version=version,
            expected_serving=None,
            actor=ACTOR,
            reason="first release" if version == _ACCEPTED[0] else "better trained",
        )
    while not stop.wait(_POLL_SECONDS):
        with database.reading() as session:
            release = releases.require(session, release.id)
        if release.state is State.SERVING:
            return
        if not release.moving:
            raise SafelightError(
                Kind.UNAVAILABLE,
                "demo_release_failed",
                f"Version {version} of the studio was not released ({release.state}). See its release on the page.",
            )

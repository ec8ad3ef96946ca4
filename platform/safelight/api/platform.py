"""What the routes work with, as the composition root made it."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from registry.versions import VersionStore
from safelight.api.image_links import ImageLinks
from safelight.clock import Clock
from safelight.recording.images import ImageStore
from safelight.recording.recorder import Recorder
from safelight.releasing.registration import Registration
from safelight.releasing.service import Releasing
from safelight.responding.handling import Handling
from safelight.serving.gateway import Gateway
from safelight.settings import Settings
from safelight.store.database import Database
from safelight.watching.lenses import LensCache


@dataclass(frozen=True)
class Platform:
    """The collaborators of one API process."""

    settings: Settings
    clock: Clock
    database: Database
    versions: VersionStore
    images: ImageStore
    recorder: Recorder
    gateway: Gateway
    releasing: Releasing
    registration: Registration
    handling: Handling
    image_links: ImageLinks
    stopping: asyncio.Event
    """Set when the server shuts down: open streams end then, or the process would wait for them for ever."""
    lenses: LensCache = field(default_factory=LensCache)
    rehearsing: threading.Lock = field(default_factory=threading.Lock)
    """Held while a monitor is tried on the past."""


async def _platform(request: Request) -> Platform:  # async, like all that need not wait: others go to a thread
    return cast(Platform, request.app.state.platform)


PlatformDep = Annotated[Platform, Depends(_platform)]

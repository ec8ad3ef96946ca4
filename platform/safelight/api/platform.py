"""What the routes work with, as the composition root made it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from registry.versions import VersionStore
from safelight.clock import Clock
from safelight.recording.images import ImageStore
from safelight.recording.recorder import Recorder
from safelight.serving.gateway import Gateway
from safelight.settings import Settings
from safelight.store.database import Database


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


def _platform(request: Request) -> Platform:
    return cast(Platform, request.app.state.platform)


PlatformDep = Annotated[Platform, Depends(_platform)]

"""The composition root: the only place that decides which parts are put together. Here what all processes share."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from registry.versions import VersionStore
from safelight.clock import Clock, SystemClock
from safelight.releasing.registration import Registration
from safelight.scoring.embedder import Embedder
from safelight.settings import Settings
from safelight.store.database import Database
from safelight.studio.versions import EMBEDDER

if TYPE_CHECKING:
    from safelight.releasing.service import Releasing


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


def releasing() -> "Releasing":
    from safelight.releasing.service import Releasing  # brings in statistics, which an engine has no use for

    return Releasing(clock())


def embedder(settings: Settings) -> Embedder:
    from safelight.scoring.embedder import OpenClipEmbedder  # brings in torch

    scoring = settings.scoring
    sight = OpenClipEmbedder(scoring.embedder or str(EMBEDDER), scoring.pretrained, device=scoring.device)
    if not scoring.prompt_encoder:
        return sight
    from safelight.scoring.prompt_features import SentenceEncoder, WithPromptFeatures

    return WithPromptFeatures(sight, SentenceEncoder(Path(scoring.prompt_encoder), device=scoring.device))


def host_name() -> str:
    return socket.gethostname()

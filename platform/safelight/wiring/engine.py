"""An engine process's host."""

from safelight.serving.host import EngineHost
from safelight.serving.token import engine_token
from safelight.settings import Settings
from safelight.wiring import clock, database, host_name, version_store


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

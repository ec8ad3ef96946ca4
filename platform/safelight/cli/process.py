"""How a long-running process begins and ends."""

import logging
import os
import signal
import sys
import threading

from safelight import wiring
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.store.migrate import pending


def migrated(settings: Settings) -> Settings:
    """The settings, of a database that has this release's schema. Raises SafelightError when it has not."""
    if pending(wiring.database(settings)):
        raise SafelightError(
            Kind.UNAVAILABLE, "database_not_migrated", "The database is not migrated. Run 'safelight migrate'."
        )
    return settings


def stop_on_signals() -> threading.Event:
    """Set when the process is told to end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def leave() -> None:
    """End now that all is stopped in order: taking torch and its threads apart would cost another second or two."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)

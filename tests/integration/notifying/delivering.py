"""A process that delivers what is due and dies, as by `kill -9`, at a named point. Run by test_crashes.py."""

import os
import signal
import sys

from safelight.clock import SystemClock
from safelight.notifying import connection
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import notifications
from safelight.store.database import Database

POINTS = ("after the claim", "after the answer", "after the record")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def main(url: str, point: str) -> None:
    database, clock = Database(url), SystemClock()

    def resolve(host: str, port: int) -> list[str]:
        if point == "after the claim":
            die()
        return connection.resolve(host, port)

    if point == "after the answer":
        notifications.record_attempt = lambda *_: die()
    sender = Sender(NotifyingSettings(allow_private_addresses=True), clock, resolve=resolve)
    Deliverer(database, sender, clock, start=lambda work: work()).run_once()
    die()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""From a verdict to a notification to a rollback, with a death as by `kill -9` at each step. Run by test_deaths.py.

Each story is played in a fork of this process that dies, then once more to its end, as by the worker that is started
next. Prints what came of each as a line of JSON.
"""

import importlib.util
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitors.verdict import Health, Reason
from safelight.clock import ManualClock
from safelight.notifying.addresses import Reach
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.sender import Sender
from safelight.releasing.service import Releasing
from safelight.responding.deciding import Decider
from safelight.responding.handling import Handling
from safelight.settings import NotifyingSettings
from safelight.store import incidents, notifications, releases
from safelight.store.database import Database, Session
from safelight.store.incidents import PolicyMode
from safelight.store.probes import Purpose

_STAGE = importlib.util.spec_from_file_location("stage", Path(__file__).parent / "conftest.py")
assert _STAGE is not None
assert _STAGE.loader is not None
stage: Any = importlib.util.module_from_spec(_STAGE)
sys.modules["stage"] = stage
_STAGE.loader.exec_module(stage)

STEPS = ("verdict", "first probe", "last probe", "flip", "claim", "record")
POINTS = tuple(f"{when} the {step}" for step in STEPS for when in ("before", "after"))


class DyingDatabase(Database):
    """Ends the process just before or just after the commit of a step."""

    def __init__(self, url: str, point: str) -> None:
        super().__init__(url)
        self.step = ""
        self._point = point

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            self._pass("before")
        self._pass("after")
        if self.step == "claim":
            self.step = "record"

    def _pass(self, when: str) -> None:
        if self._point == f"{when} the {self.step}":
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()


def play(url: str, point: str, seconds: float) -> None:
    """What a worker finds to do, from whatever has been done before. `seconds` have gone by since the beginning."""
    clock, database = ManualClock(stage.NOON), DyingDatabase(url, point)
    clock.advance(seconds)
    releasing = Releasing(clock)
    decider = Decider(releasing, stage.LINKS, 128)
    scene = stage.Scene(database, clock, releasing, decider, Handling(stage.LINKS))
    if scene.serving() == 2:
        database.step = "verdict"
        scene.tick(Reason.ALIGNMENT_DOWN)
    runs = scene.open_runs()
    for number, run in enumerate(runs, 1):
        database.step = "last probe" if number == len(runs) else "first probe"
        scene.end(run, Health.DEGRADED if run.purpose is Purpose.SUSPECT else Health.HEALTHY)
    database.step = "flip"
    scene.settle()
    database.step = "claim"
    sender = Sender(NotifyingSettings(allow_private_addresses=True), clock)
    while Deliverer(database, sender, clock, start=lambda work: work()).run_once():
        database.step = "claim"
    database.dispose()


def outcome(url: str) -> dict[str, Any]:
    database = Database(url)
    with database.reading() as session:
        found = {
            "incidents": len(incidents.page(session, None, (), None, 100)),
            "rollbacks": sum(each.kind == "rollback" for each in releases.page(session, None, None, 100)),
            "told": [(str(each.id), each.event, each.state) for each in notifications.page(session)],
        }
    found["serving"] = stage.Scene(database, None, None, None, None).serving()
    database.dispose()
    return found


def main(migrated: str, folder: str, receiver: str) -> None:
    ready = Path(folder) / "ready.db"
    shutil.copy(migrated, ready)
    database = Database(f"sqlite:///{ready}")
    scene = stage.build(database, receiver, Reach(private=True))
    with database.transaction() as session:
        incidents.set_policy(session, stage.GENERATOR, PolicyMode.AUTO, "ann", stage.NOON)
    scene.store_outputs(1)
    database.dispose()  # the last connection to close leaves all of it in one file
    for number, point in enumerate(POINTS):
        file = Path(folder) / f"{number}.db"
        shutil.copy(ready, file)
        child = os.fork()
        if child == 0:
            play(f"sqlite:///{file}", point, 0)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        play(f"sqlite:///{file}", "", 300)
        told = {"point": point, "killed": killed, **outcome(f"sqlite:///{file}")}
        sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""kill -9 between the outbox and the delivery: told at least once, and each time under the same id."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from safelight.clock import ManualClock, SystemClock
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.notifications import State

_CLAIM_SECONDS = 90


class Receiver(Protocol):
    url: str
    requests: list[tuple[dict[str, str], bytes]]


@pytest.mark.parametrize(("point", "told"), [("after the claim", 1), ("after the answer", 2), ("after the record", 1)])
def test_whoever_dies_delivering_leaves_it_to_the_next(
    point: str, told: int, database_url: str, database: Database, receiver: Receiver
) -> None:
    clock = ManualClock(SystemClock().now())
    with database.transaction() as session:
        made = making.create(
            session, "on-call", ChannelKind.WEBHOOK, clock.now(), url=receiver.url, reach=Reach(private=True)
        )
        identifier = outbox.enqueue_test(session, made.channel.id, clock.now())

    dead = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "delivering.py"), database_url, point],
        check=False,
        timeout=60,
    )
    assert dead.returncode == -signal.SIGKILL

    clock.advance(_CLAIM_SECONDS + 60)
    sender = Sender(NotifyingSettings(allow_private_addresses=True), clock)
    deliverer = Deliverer(database, sender, clock, start=lambda work: work())
    while deliverer.run_once():
        pass
    assert [headers["webhook-id"] for headers, _ in receiver.requests] == [str(identifier)] * told
    assert len({body for _, body in receiver.requests}) == 1
    with database.reading() as session:
        assert notifications.get(session, identifier).state is State.DELIVERED

"""A generation that another process has recorded is found though it is still on its way to the database."""

from threading import Timer
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from safelight.api.finding import find
from safelight.clock import SystemClock
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording.shipper import Shipper
from safelight.store.database import Database
from safelight.store.journal import Entry, JournalFile
from tests.integration.recording.conftest import MakeGeneration


@pytest.fixture
def platform(database: Database) -> Any:
    """Of a process whose own journal is empty."""
    return SimpleNamespace(
        database=database, clock=SystemClock(), recorder=SimpleNamespace(find=lambda _identifier: None)
    )


def test_one_made_a_moment_ago_is_waited_for(
    platform: Any, journal: JournalFile, shipper: Shipper, make_generation: MakeGeneration
) -> None:
    made = make_generation(id=new_id())
    journal.append([Entry(made.id, made.created_at, made.model_dump_json(), None)])
    shipping = Timer(0.2, shipper.run_once)
    shipping.start()
    assert find(platform, made.id).record.id == made.id
    shipping.join()


@pytest.mark.parametrize("identifier", [new_id(), UUID(int=0), UUID(int=2**128 - 1)], ids=["young", "oldest", "latest"])
def test_one_that_nobody_made_is_not_found(platform: Any, identifier: UUID) -> None:
    with pytest.raises(SafelightError) as refused:
        find(platform, identifier)
    assert refused.value.code == "generation_not_found"

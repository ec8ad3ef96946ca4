"""The log of notifications has no end: what is asked of it often never walks through it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from safelight.store import delivered, notifications
from safelight.store.database import Database, Session
from safelight.store.notifications import State

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE = UUID(int=1)


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """SQLite says how it goes about a query even where there is nothing to find."""
    file = tmp_path / "safelight.db"
    shutil.copy(migrated_sqlite, file)
    opened = Database(f"sqlite:///{file}")
    yield opened
    opened.dispose()


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: notifications.claim_due(session, NOON, NOON),
        lambda session: notifications.hold(session, ONE, NOON),
        lambda session: notifications.standing(session, ONE),
        lambda session: notifications.is_superseded(session, ONE),
        lambda session: notifications.page(session, before_id=ONE),
        lambda session: notifications.page(session, channel_id=ONE),
        lambda session: notifications.page(session, incident_id=ONE),
        lambda session: notifications.page(session, state=State.FAILED),
        lambda session: notifications.page(session, channel_id=ONE, state=State.FAILED),
        lambda session: delivered.forget(session, ONE, 500),
    ],
    ids=[
        "claim",
        "hold",
        "standing",
        "superseded",
        "page",
        "of a channel",
        "of an incident",
        "dead letters",
        "dead letters of a channel",
        "retention",
    ],
)
def test_a_query_goes_by_an_index(database: Database, ask: Callable[[Session], object]) -> None:
    asked: list[tuple[str, Any]] = []

    def keep(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", keep)
    with database.transaction() as session:
        ask(session)
        statements = [(said, given) for said, given in asked if "notifications" in said]
        assert statements
        plans = [
            step[3]
            for said, given in statements
            for step in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given)
        ]
    walks = [step for step in plans if step.startswith("SCAN notifications")]
    # Of the dead letters alone, which nobody lets pile up.
    assert [step for step in walks if "ix_notifications_failed" not in step] == []

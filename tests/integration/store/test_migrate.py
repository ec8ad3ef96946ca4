"""The schema: reached from nothing, equal to the tables, whole or not at all."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from safelight.errors import SafelightError
from safelight.store import migrate, notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.partitions import is_partition
from safelight.store.tables import GenerationRow

METADATA = GenerationRow.metadata


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    opened = Database(empty_database_url)
    yield opened
    opened.dispose()


def test_an_empty_database_is_brought_to_the_newest_revision_once(empty: Database) -> None:
    assert migrate.pending(empty)[0] == "0001"
    migrate.upgrade(empty)
    assert migrate.pending(empty) == []
    migrate.upgrade(empty)


def test_a_database_of_a_later_release_says_so(empty: Database) -> None:
    migrate.upgrade(empty)
    with empty.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for ask in (migrate.pending, migrate.upgrade):
        with pytest.raises(SafelightError, match="later release") as refused:
            ask(empty)
        assert refused.value.code == "database_newer"


def test_every_revision_runs_upon_its_predecessor(empty: Database) -> None:
    script = ScriptDirectory(str(migrate.folder()))
    assert len(script.get_heads()) == 1
    for revision in migrate.pending(empty):
        migrate.upgrade(empty, revision)
        with empty.transaction() as session:
            session.execute(
                text("INSERT INTO generators (name, description, created_at) VALUES (:name, '', :at)"),
                {"name": f"made at {revision}", "at": datetime(2026, 1, 1, tzinfo=UTC)},
            )
    with empty.reading() as session:
        kept = session.scalar(text("SELECT count(*) FROM generators"))
    assert kept == len(list(script.walk_revisions()))


def test_the_schema_is_what_the_tables_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: not (kind == "table" and is_partition(name)),
                "compare_type": True,
            },
        )
        assert compare_metadata(context, METADATA) == []


def test_check_constraints_are_those_of_the_tables(empty: Database) -> None:
    """Alembic's own comparison does not look at them."""
    METADATA.create_all(empty.engine)
    declared = _checks(empty)
    METADATA.drop_all(empty.engine)
    migrate.upgrade(empty)
    assert _checks(empty) == declared


def test_a_check_constraint_refuses_an_unknown_word(database: Database) -> None:
    statement = text("INSERT INTO api_keys (id, name, role, hash, created_at) VALUES (:id, 'n', 'emperor', 'h', :now)")
    values = {"id": "00000000000000000000000000000001", "now": datetime(2026, 1, 1, tzinfo=UTC)}
    with pytest.raises(IntegrityError, match="ck_api_keys_role"), database.transaction() as session:
        session.execute(statement, values)


def test_a_failing_upgrade_leaves_nothing_behind(empty: Database) -> None:
    with empty.transaction() as session:
        session.execute(text("CREATE TABLE versions (number integer)"))
    with pytest.raises(Exception, match="versions"):
        migrate.upgrade(empty)
    assert inspect(empty.engine).get_table_names() == ["versions"]


def _checks(database: Database) -> dict[str, set[tuple[str | None, str]]]:
    inspector = inspect(database.engine)
    return {
        table.name: {(check["name"], check["sqltext"]) for check in inspector.get_check_constraints(table.name)}
        for table in METADATA.sorted_tables
    }


def test_a_channel_of_the_first_release_goes_on_as_a_webhook_and_what_it_was_to_be_told_is_still_due(
    empty: Database,
) -> None:
    migrate.upgrade(empty, "0001")
    at, one = datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1)
    with empty.transaction() as session:
        values = {"id": one.hex if empty.is_sqlite else one, "at": at, "on": True}
        session.execute(
            text(
                "INSERT INTO channels (id, name, url, secret, enabled, disabled_reason, created_at) "
                "VALUES (:id, 'on-call', 'https://hooks.example.com', 'whsec_c2VjcmV0', :on, '', :at)"
            ),
            values,
        )
        session.execute(
            text(
                "INSERT INTO notifications (id, channel_id, event, payload, state, attempts, created_at, "
                "next_attempt_at) VALUES (:id, :id, 'channel.test', '{}', 'pending', 0, :at, :at)"
            ),
            values,
        )
    migrate.upgrade(empty)
    with empty.transaction() as session:
        (due,) = notifications.claim_due(session, at, at)
    assert due.access.kind is ChannelKind.WEBHOOK
    assert due.access.secrets == ("whsec_c2VjcmV0",)
    assert len(due.access.link_key) >= 32


def test_what_was_logged_and_folded_at_the_first_release_is_there_after_the_newest(empty: Database) -> None:
    migrate.upgrade(empty, "0001")
    at, one = datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1)
    old = {
        "generations": {
            "id": one,
            "created_at": at,
            "generator": "g",
            "version": 1,
            "bundle_digest": "b",
            "source": "engine",
            "arm": "stable",
            "outcome": "served",
            "request_id": one,
            "prompt": "a fox",
            "parameters": "{}",
            "envelope": "{}",
        },
        "baselines": {
            "id": one,
            "generator": "g",
            "version": 1,
            "name": "first",
            "source": "traffic",
            "embedder_digest": "e",
            "n": 1,
            "blank": 0,
            "lens": b"l",
            "lens_digest": "l",
            "scalars": b"",
            "created_at": at,
            "created_by": "anna",
        },
        "sketches": {
            "generator": "g",
            "version": 1,
            "arm": "stable",
            "baseline_id": one,
            "slice": "all",
            "bucket_start": at,
            "n": 3,
            "payload": b"sums",
        },
        "verdicts": {
            "id": 7,
            "generator": "g",
            "monitor": "drift",
            "critical": True,
            "slot": at,
            "health": "healthy",
            "reason": "within_budget",
            "summary": "",
            "n": 3,
            "evidence": "{}",
        },
        "traffic_buckets": {
            "generator": "g",
            "version": 1,
            "arm": "stable",
            "bucket_start": at,
            "served": 3,
            "filtered": 0,
            "failed": 0,
            "cancelled": 0,
            "latency_counts": "[3]",
            "engine_ms_sum": 1.5,
            "unlogged": 0,
        },
    }
    with empty.transaction() as session:
        for table, row in old.items():
            values = {
                key: value.hex if empty.is_sqlite and isinstance(value, UUID) else value for key, value in row.items()
            }
            columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
            session.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), values)  # noqa: S608 - names above
    migrate.upgrade(empty)
    with empty.reading() as session:
        generation = session.execute(text("SELECT prompt, adapter, region FROM generations")).one()
        sketch = session.execute(text("SELECT slice, n, payload, rolled_up FROM sketches")).one()
        verdict = session.execute(text("SELECT id, ticks, rolled_up FROM verdicts")).one()
        traffic = session.execute(text("SELECT served, rolled_up FROM traffic_buckets")).one()
    assert tuple(generation) == ("a fox", None, None)
    assert (verdict.id, verdict.ticks, bool(verdict.rolled_up)) == (7, 1, False)
    assert (traffic.served, bool(traffic.rolled_up)) == (3, False)
    assert (sketch.slice, sketch.n, bytes(sketch.payload), bool(sketch.rolled_up)) == ("all", 3, b"sums", False)

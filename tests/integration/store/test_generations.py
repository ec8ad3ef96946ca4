"""The log, newest first, by every filter the page has."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from safelight.errors import SafelightError
from safelight.ids import first_id_at, new_id
from safelight.store import generations
from safelight.store.database import Database
from safelight.store.generations import Filters, Flag, RowRefused
from safelight.store.tables import GenerationRow, Score

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _row(seconds: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": first_id_at(_at(seconds)),
        "created_at": _at(seconds),
        "generator": "studio",
        "version": 1,
        "bundle_digest": "sha256:b",
        "environment_digest": None,
        "source": "engine",
        "arm": "stable",
        "outcome": "served",
        "error_code": None,
        "request_id": new_id(),
        "api_key_id": None,
        "replica": None,
        "adapter": None,
        "tenant": None,
        "region": None,
        "prompt": "a red fox",
        "final_prompt": None,
        "seed": 7,
        "parameters": {"steps": 20},
        "envelope": {},
        "queue_ms": None,
        "engine_ms": None,
        "total_ms": 120.0,
        "image_key": "k.png",
        "thumbnail_key": None,
        "image_sha256": None,
    } | changes


def _score(seconds: int, **changes: Any) -> Score:
    values: dict[str, Any] = {
        "generation_id": first_id_at(_at(seconds)),
        "generator": "studio",
        "version": 1,
        "scored_at": NOON,
        "embedder_digest": "sha256:e",
        "alignment": 0.3,
        "sharpness": 1.0,
        "contrast": 1.0,
        "brightness": 0.5,
        "blank": False,
        "broken": False,
        "prompt_truncated": False,
    }
    return Score(**values | changes)


@pytest.fixture
def logged(database: Database) -> Database:
    with database.transaction() as session:
        generations.add(
            session,
            [
                _row(0),
                _row(1, version=2, prompt="A GREEN cube, 100% cotton", replica="gpu-1", tenant="acme"),
                _row(2, arm="canary", version=2, replica="gpu-2", adapter="ink", region="eu"),
                _row(3, outcome="failed", error_code="out_of_memory", image_key=None),
                _row(4, generator="other", replica="gpu-1"),
                _row(5, prompt="under_score", replica="gpu-1", adapter="ink"),
            ],
        )
        session.add_all(
            [
                _score(0, blank=True),
                _score(1, alignment=0.01),
                _score(2, near_duplicate_of=first_id_at(_at(1))),
                _score(5, broken=True, broken_reason="not_finite", alignment=None),
            ]
        )
    return database


def _seconds(database: Database, filters: Filters, before: UUID | None = None, limit: int = 50) -> list[int]:
    with database.reading() as session:
        found = generations.page(session, filters, before, limit)
        assert generations.search(session, filters, before, limit).generations == found
    return [round((each.created_at - NOON).total_seconds()) for each in found]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), [5, 4, 3, 2, 1, 0]),
        (Filters(generator="studio"), [5, 3, 2, 1, 0]),
        (Filters(generator="studio", version=2), [2, 1]),
        (Filters(outcomes=("failed", "cancelled")), [3]),
        (Filters(arms=("canary",)), [2]),
        (Filters(flag=Flag.BLANK), [0]),
        (Filters(flag=Flag.LOW_ALIGNMENT), [1]),
        (Filters(flag=Flag.NEAR_DUPLICATE), [2]),
        (Filters(flag=Flag.FAILED), [3]),
        (Filters(flag=Flag.BROKEN), [5]),
        (Filters(since=_at(2)), [5, 4, 3, 2]),
        (Filters(until=_at(2)), [1, 0]),
        (Filters(since=_at(1), until=_at(3), version=2), [2, 1]),
        (Filters(replica="gpu-1"), [5, 4, 1]),
        (Filters(generator="studio", replica="gpu-1"), [5, 1]),
        (Filters(generator="studio", replica="gpu-1", version=2), [1]),
        (Filters(generator="studio", adapter="ink"), [5, 2]),
        (Filters(generator="studio", tenant="acme"), [1]),
        (Filters(generator="studio", region="eu"), [2]),
        (Filters(generator="studio", region="us"), []),
        (Filters(text="green"), [1]),
        (Filters(text="100%"), [1]),
        (Filters(text="r_s"), [5]),
        (Filters(text="'; DROP TABLE generations; --"), []),
    ],
)
def test_a_filter_keeps_what_it_says(logged: Database, filters: Filters, expected: list[int]) -> None:
    assert _seconds(logged, filters) == expected


def test_pages_follow_each_other_without_gap_or_repeat(logged: Database) -> None:
    assert _seconds(logged, Filters(), limit=2) == [5, 4]
    assert _seconds(logged, Filters(), first_id_at(_at(4)), limit=3) == [3, 2, 1]
    assert _seconds(logged, Filters(), first_id_at(_at(0))) == []


def test_a_search_goes_on_where_it_stopped_looking(logged: Database) -> None:
    def looked(filters: Filters, before: UUID | None = None, limit: int = 50) -> tuple[list[int], UUID | None]:
        with logged.reading() as session:
            found = generations.search(session, filters, before, limit, looked_through=2)
        return [round((each.created_at - NOON).total_seconds()) for each in found.generations], found.further

    blank = Filters(generator="studio", flag=Flag.BLANK)
    assert looked(blank) == ([], first_id_at(_at(3)))
    assert looked(blank, first_id_at(_at(3))) == ([], first_id_at(_at(1)))
    assert looked(blank, first_id_at(_at(1))) == ([0], None)
    assert looked(Filters(text="a red"), limit=1) == ([4], first_id_at(_at(4)))
    assert looked(Filters(generator="studio")) == ([5, 3, 2, 1, 0], None), "an index finds these: nothing is skipped"
    assert looked(Filters(generator="studio", replica="gpu-1"), limit=1) == ([5], first_id_at(_at(5)))


@pytest.mark.parametrize("part", ["replica", "adapter", "tenant", "region"])
def test_the_newest_of_a_part_are_found_by_an_index(logged: Database, part: str) -> None:
    """A part that made nothing must not have the whole log read."""
    query = select(GenerationRow.id).where(
        GenerationRow.generator == "studio", getattr(GenerationRow, part) == "nobody"
    )
    newest = query.order_by(GenerationRow.id.desc()).limit(50)
    asked = newest.compile(logged.engine, compile_kwargs={"literal_binds": True})
    with logged.engine.connect() as connection:
        if not logged.is_sqlite:
            connection.execute(text("SET enable_seqscan = off"))  # six rows are read faster without any index
        plan = connection.execute(text(f"EXPLAIN {'QUERY PLAN ' * logged.is_sqlite}{asked}")).fetchall()
    # An index of the part's own, without the generator, is as good to PostgreSQL while there are few rows.
    index = f"generator_{part}_id" if logged.is_sqlite else f"{part}_id"
    assert re.search(index, str(plan)), plan


def test_a_generation_comes_with_its_score(logged: Database) -> None:
    with logged.reading() as session:
        scored = generations.get(session, first_id_at(_at(1)))
        unscored = generations.get(session, first_id_at(_at(3)))
    assert scored.score is not None
    assert (scored.score.alignment, scored.score.blank) == (0.01, False)
    assert scored.created_at == _at(1)
    assert unscored.score is None


def test_one_that_does_not_exist_is_not_found(logged: Database) -> None:
    with logged.reading() as session:
        assert generations.find(session, new_id()) is None
        with pytest.raises(SafelightError) as refusal:
            generations.get(session, new_id())
    assert refusal.value.code == "generation_not_found"


def test_only_new_rows_are_named(logged: Database) -> None:
    with logged.transaction() as session:
        new = generations.add(session, [_row(0, prompt="changed"), _row(9)])
        assert new == {first_id_at(_at(9))}
        assert generations.get(session, first_id_at(_at(0))).prompt == "a red fox"


def test_what_is_kept_is_what_was_told(database: Database) -> None:
    told = _row(
        0,
        created_at=NOON.astimezone(timezone(timedelta(hours=9))),
        prompt='a "fox"\\\n\t\u2028 🦊 {"a": 1}, 100 % :rows',
        seed=-(2**63),
        parameters={"guidance": 0.1 + 0.2, "tiny": 1e-300, "size": 2**53 + 1, "words": ["é", None, True, {}]},
        queue_ms=0.1 + 0.2,
        engine_ms=1e-9,
    )
    with database.transaction() as session:
        generations.add(session, [told])
    with database.reading() as session:
        found = generations.get(session, told["id"])
    assert {name: getattr(found, name) for name in told} == told


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "splendid"}, {"seed": 2**70}, {"prompt": None}, {"created_at": NOON.replace(tzinfo=None)}],
)
def test_a_row_that_cannot_be_is_refused(database: Database, changes: dict[str, Any]) -> None:
    with pytest.raises(RowRefused), database.transaction() as session:
        generations.add(session, [_row(0, **changes)])


def test_an_environment_is_kept_as_it_was_first_seen(database: Database) -> None:
    with database.transaction() as session:
        generations.add_environments(session, {"sha256:e": {"torch": "2.14.1"}}, NOON)
        generations.add_environments(session, {"sha256:e": {"torch": "another"}}, _at(1))
        assert generations.environment(session, "sha256:e") == {"torch": "2.14.1"}
        assert generations.environment(session, "sha256:unknown") is None

"""Whoever is to be forgotten is found without a walk through the log, which has no end."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from safelight.store import erasures
from safelight.store.database import Database, Session
from safelight.store.erasures import Erasure, ErasureState, Subject

from .plans import plans  # noqa: TID252

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE, LAST = UUID(int=1), UUID(int=2**128 - 1)


def _personal(subject: Subject) -> Callable[[Session], object]:
    erasure = Erasure(ONE, subject, "", ErasureState.RUNNING, 0, None, NOON, NOON, "admin", None)
    return lambda session: erasures.personal(session, erasure, LAST, 200)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (_personal(Subject(tenant="anna")), "(?<!generator_)tenant_id"),
        (_personal(Subject(api_key_id=ONE)), "api_key_id_id"),
        (_personal(Subject(end_user="anna")), "end_user_id"),
        (lambda session: erasures.copies(session, "studio", ["a red fox", "a" * 9000], 200), "generations_.*prompt"),
        (erasures.running, "erasures_running"),
    ],
    ids=["tenant", "key", "end user", "copies", "requests"],
)
def test_each_question_goes_by_an_index(database: Database, ask: Callable[[Session], object], index: str) -> None:
    steps = plans(database, ask)
    assert re.search(index, str(steps)), steps

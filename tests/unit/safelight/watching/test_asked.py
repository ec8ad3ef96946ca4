"""Which monitors have a question, by what the serving version can be held against."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from safelight.store.baselines import KnownBaseline
from safelight.watching.monitors import BlankRate, ConditionalDrift, PromptDrift, ReleaseComparison, ServiceHealth
from safelight.watching.observing import is_asked
from safelight.watching.references import References
from safelight.watching.situation import Situation

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BASELINE = KnownBaseline(
    id=UUID(int=1),
    generator="studio",
    version=1,
    name="first",
    source="traffic",
    embedder_digest="sha256:e",
    n=3000,
    blank=0,
    data_from=None,
    data_to=None,
    lens_digest="",
    created_at=NOON,
    created_by="anna",
)


def situation(*, own: bool, previous: bool, accepted: bool = False, first: bool = False) -> Situation:
    held_against = References(BASELINE if own else None, BASELINE if previous else None, first)
    return Situation("studio", 2, 2, NOON, accepted, held_against)


@pytest.mark.parametrize(
    ("now", "drift", "comparison"),
    [
        (situation(own=True, previous=True, accepted=True), True, False),
        (situation(own=True, previous=False, accepted=True), True, False),
        (situation(own=True, previous=True), True, True),
        (situation(own=True, previous=False), True, True),
        (situation(own=True, previous=False, first=True), True, False),
        (situation(own=False, previous=True, accepted=True), False, True),
        (situation(own=False, previous=True), False, True),
        (situation(own=False, previous=False), True, True),
        (situation(own=False, previous=False, first=True), True, True),
    ],
)
def test_only_what_can_be_compared_is_asked(now: Situation, drift: bool, comparison: bool) -> None:
    assert is_asked(ConditionalDrift(), now) is drift
    assert is_asked(PromptDrift(), now) is drift
    assert is_asked(ReleaseComparison(), now) is comparison
    assert is_asked(BlankRate(), now)
    assert is_asked(ServiceHealth(), now)

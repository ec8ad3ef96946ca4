"""Which monitors have a question, by what the serving version can be held against."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from safelight.store.baselines import KnownBaseline
from safelight.store.totals import Totals
from safelight.watching.monitors import (
    BlankRate,
    ConditionalDrift,
    Document,
    Feedback,
    FilteredRate,
    GoodImages,
    NearDuplicates,
    PromptDrift,
    ReleaseComparison,
    ServiceHealth,
)
from safelight.watching.observing import compared_with, is_asked
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
    return Situation("studio", 2, 2, NOON, accepted, held_against, before=None, held=False)


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
    assert is_asked(GoodImages(), now)


def test_an_answer_knows_whose_baseline_it_rests_on() -> None:
    other = replace(BASELINE, version=1)
    own = replace(BASELINE, version=2)
    known = References(own, other, first=False)
    assert [compared_with(each, known) for each in (ConditionalDrift(), PromptDrift(), BlankRate())] == [own] * 3
    assert compared_with(ReleaseComparison(), known) == other
    assert compared_with(BlankRate(), replace(known, own=None)) == other
    assert compared_with(ServiceHealth(), known) is None


NOTHING = Totals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("monitor", "enough"),
    [
        (FilteredRate(), replace(NOTHING, served=25, filtered=5)),
        (NearDuplicates(), replace(NOTHING, scored=30)),
        (Feedback(), replace(NOTHING, served=1000, downloaded=1)),
    ],
)
def test_what_is_compared_with_the_time_before_the_release_needs_one(monitor: Document, enough: Totals) -> None:
    now = situation(own=True, previous=True)
    assert not is_asked(monitor, now)
    assert not is_asked(monitor, replace(now, before=NOTHING))
    assert is_asked(monitor, replace(now, before=enough))

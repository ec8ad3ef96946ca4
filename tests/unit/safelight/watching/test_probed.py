"""The newest look at every engine, put into one verdict."""

from datetime import UTC, datetime, timedelta

from monitors.probes import Comparison
from monitors.scan import Rule
from monitors.verdict import Health, Reason
from safelight.watching.probed import Look, ProbeQuestion
from safelight.watching.questions import Span

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPAN = Span(NOON - timedelta(hours=1), NOON, timedelta(minutes=1))
ALPHA = 1e-4


def look(replica: str, p_worse: float = 1.0) -> Look:
    return Look(replica, Comparison(Rule.ANY_CHANGE, 16, 0, 0, 0, 0, 0.0, 0.0, -0.1, 1.0, p_worse))


def test_healthy_everywhere_is_healthy() -> None:
    verdict = ProbeQuestion([look("one"), look("two")], 2).answer(SPAN, ALPHA)
    assert (verdict.health, verdict.evidence["engines"], verdict.evidence["healthy_engines"]) == (Health.HEALTHY, 2, 2)


def test_one_bad_engine_among_others_is_named_as_the_slice() -> None:
    verdict = ProbeQuestion([look("one"), look("two", 1e-9), look("three")], 3).answer(SPAN, ALPHA)
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.PROBE_WORSE)
    assert verdict.evidence["slice"] == {
        "attribute": "replica",
        "value": "two",
        "name": "replica=two",
        "others": 2,
        "others_healthy": 2,
    }


def test_bad_on_more_than_one_engine_is_no_single_place() -> None:
    verdict = ProbeQuestion([look("one", 1e-9), look("two", 1e-9), look("three")], 3).answer(SPAN, ALPHA)
    assert verdict.health is Health.DEGRADED
    assert "slice" not in verdict.evidence
    assert "slice" not in ProbeQuestion([look("one", 1e-9)], 1).answer(SPAN, ALPHA).evidence


def test_engines_share_the_level() -> None:
    alone = ProbeQuestion([look("one", ALPHA / 3)], 1).answer(SPAN, ALPHA)
    among = ProbeQuestion([look("one", ALPHA / 3), look("two"), look("three")], 3).answer(SPAN, ALPHA)
    assert (alone.health, among.health) == (Health.DEGRADED, Health.HEALTHY)


def test_too_few_fresh_looks_are_missing_probes() -> None:
    verdict = ProbeQuestion([look("one")], 3).answer(SPAN, ALPHA)
    assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.PROBES_MISSING)
    assert ProbeQuestion([], 0).answer(SPAN, ALPHA).health is Health.INCONCLUSIVE

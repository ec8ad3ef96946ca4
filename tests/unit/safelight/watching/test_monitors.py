"""Monitors as documents, and the budget they share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.windows import window_count
from safelight.errors import SafelightError
from safelight.watching.monitors import (
    BlankRate,
    ConditionalDrift,
    Document,
    PromptDrift,
    ServiceHealth,
    budget,
    defaults,
    parse,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_defaults_can_be_read_back() -> None:
    for stored in defaults("studio", NOON):
        document = parse(stored.document)
        assert document.kind == stored.kind == stored.name
        assert document.model_dump() == stored.document


def test_what_no_rollback_would_mend_opens_no_incident() -> None:
    quiet = [each.name for each in defaults("studio", NOON) if not parse(each.document).critical]
    assert quiet == ["prompt_drift", "queue", "cost", "device_memory"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "astrology"},
        {"kind": "blank_rate", "tolerance": 2},
        {"kind": "blank_rate", "tolerance": float("nan")},
        {"kind": "blank_rate", "share": 0},
        {"kind": "blank_rate", "share": float("inf")},
        {"kind": "blank_rate", "tolerence": 0.1},
        {"kind": "service_health", "max_error_rate": 0},
        {"kind": "service_health", "latency_seconds": float("inf")},
        {"kind": "queue", "wait_seconds": float("inf")},
        {"kind": "prompt_drift", "critical": True},
        {"kind": "conditional_drift", "longest_seconds": 1},
    ],
)
def test_a_document_that_makes_no_sense_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(SafelightError) as refusal:
        parse(document)
    assert refusal.value.code == "monitor_invalid"


def test_the_refusal_names_the_field() -> None:
    with pytest.raises(SafelightError, match="tolerance"):
        parse({"kind": "blank_rate", "tolerance": 2})


shares = st.floats(0.01, 100)


@given(st.lists(shares, min_size=1, max_size=6), st.floats(0.1, 10))
def test_all_monitors_together_keep_the_budget(weights: list[float], most: float) -> None:
    kinds: list[type[ConditionalDrift] | type[BlankRate] | type[ServiceHealth]] = [
        ConditionalDrift,
        BlankRate,
        ServiceHealth,
    ]
    enabled: list[Document] = [kinds[i % 3](share=weight) for i, weight in enumerate(weights)]
    ticks = timedelta(days=30) / MINUTE
    expected = sum(
        budget(each, enabled, false_alarms_per_month=most, tick=MINUTE, width=MINUTE).alpha
        * ticks
        * window_count(MINUTE, each.longest)
        * each.tests
        for each in enabled
    )
    assert expected == pytest.approx(most, rel=1e-6)


def test_a_monitor_that_only_informs_takes_nothing_from_the_others() -> None:
    quiet, loud = PromptDrift(), ConditionalDrift()
    how: dict[str, Any] = {"false_alarms_per_month": 1.0, "tick": MINUTE, "width": MINUTE}
    assert budget(loud, [loud, quiet], **how) == budget(loud, [loud], **how)
    assert budget(quiet, [quiet], **how).alpha == 2 * budget(quiet, [loud, quiet], **how).alpha

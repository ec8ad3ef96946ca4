"""The budget is kept however many monitors and slices there are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.scan import MIN_GENERATIONS, Rule
from monitors.verdict import Health, Reason, Verdict
from safelight.store.standings import Standing
from safelight.watching import questions
from safelight.watching.assess import AskedMonitor
from safelight.watching.budgeting import spending, total
from safelight.watching.monitors import BlankRate, ConditionalDrift, Document, PromptDrift, ReleaseComparison, budget
from safelight.watching.questions import LensQuestion, Span

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DOCUMENTS: list[Document] = [ConditionalDrift(), ReleaseComparison(share=3.0), BlankRate(share=0.5), PromptDrift()]


def asked(most: float) -> list[AskedMonitor]:
    how: dict[str, Any] = {"tick": MINUTE, "width": MINUTE}
    return [
        AskedMonitor(each.kind, each, budget(each, DOCUMENTS, false_alarms_per_month=most, **how)) for each in DOCUMENTS
    ]


def standing(monitor: str, name: str) -> Standing:
    return Standing(
        monitor=monitor,
        slice=name,
        slot=NOON,
        version=1,
        health=Health.HEALTHY,
        reason=Reason.WITHIN_BUDGET,
        summary="",
        n=100,
        unseen=0,
        effect=None,
        detectable_effect=0.3,
        p_value=0.5,
        threshold=1e-7,
        window_seconds=60.0,
    )


@given(st.floats(0.01, 10))
def test_all_that_alert_together_spend_the_setting_and_no_more(most: float) -> None:
    spent = spending(asked(most), [])
    assert total(spent) == pytest.approx(most)
    assert {each.monitor for each in spent if each.expected_false_alarms == 0} == {"prompt_drift"}


def test_slices_take_more_comparisons_and_not_one_false_alarm_more() -> None:
    alone = spending(asked(1.0), [])[0]
    slices = [standing("conditional_drift", name) for name in ("all", "replica=r0", "replica=r1")]
    cut = spending(asked(1.0), [*slices, standing("release_comparison", "all")])[0]
    assert [each.slice for each in cut.slices] == ["all", "replica=r0", "replica=r1"]
    assert cut.expected_false_alarms == alone.expected_false_alarms
    assert cut.comparisons_a_month == 3 * alone.comparisons_a_month


@given(st.lists(st.integers(0, 400), max_size=12))
def test_a_tick_spends_a_monitors_level_once_over_whatever_slices_there_are(sizes: list[int]) -> None:
    """Levels of one tick add up to the monitor's, for any number of slices of any size."""
    levels: dict[str, float] = {}

    class Sized:
        def __init__(self, name: str, n: int) -> None:
            self.name, self.n = name, n

    def scan(_lens: object, buckets: list[Any], *, alpha: float, **_: object) -> Verdict:
        (content,) = [each.content for each in buckets]
        levels[content.name if content else "all"] = alpha
        return Verdict(Health.HEALTHY, Reason.WITHIN_BUDGET, "", threshold=alpha)

    whole = {"all": {NOON: Sized("all", sum(sizes))}} if sum(sizes) else {}
    parts = {f"replica=r{i}": {NOON: Sized(f"replica=r{i}", n)} for i, n in enumerate(sizes)}
    contents: Any = whole | parts
    nobody_looks: Any = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "scan", scan)
        question = LensQuestion(nobody_looks, contents, Rule.ANY_CHANGE)
        found = question.by_slice(Span(NOON, NOON + MINUTE, MINUTE), 1e-6)
    assert sum(levels.values()) == pytest.approx(1e-6)
    assert levels.keys() == found.slices.keys()
    tested = [n for n in sizes if MIN_GENERATIONS <= n < sum(sizes)]
    assert len(levels) == 1 + len(tested)
    assert levels["all"] == pytest.approx(5e-7 if tested else 1e-6)

from datetime import UTC, datetime, timedelta

from monitors.verdict import Health, Reason, Verdict
from safelight.backtesting.alarms import Answer, alarms

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUIET = timedelta(hours=6)


def _answer(hour: float, p_value: float | None = 1e-9, *, version: int = 1, monitor: str = "drift") -> Answer:
    verdict = Verdict(Health.DEGRADED, Reason.TAIL_EXCESS, "Odd.", p_value=p_value)
    return Answer(NOON + hour * timedelta(hours=1), monitor, version, verdict)


def test_answers_that_saw_the_same_images_are_one_alarm() -> None:
    found = alarms([_answer(0), _answer(1), _answer(7), _answer(13.1)], QUIET)
    assert [(alarm.first.at, alarm.last.at, alarm.ticks) for alarm in found] == [
        (NOON, NOON + timedelta(hours=7), 3),
        (NOON + timedelta(hours=13.1), NOON + timedelta(hours=13.1), 1),
    ]


def test_versions_alarm_apart() -> None:
    found = alarms([_answer(0), _answer(1, version=2), _answer(2)], QUIET)
    assert [(alarm.version, alarm.ticks) for alarm in found] == [(1, 2), (2, 1)]


def test_the_clearest_answer_of_each_monitor_is_kept_and_of_equals_the_first() -> None:
    (alarm,) = alarms([_answer(0), _answer(1, 1e-12), _answer(2, 1e-12), _answer(3, 1e-8, monitor="blank")], QUIET)
    assert {monitor: each.at for monitor, each in alarm.clearest.items()} == {
        "drift": NOON + timedelta(hours=1),
        "blank": NOON + timedelta(hours=3),
    }
    assert alarm.worst.monitor == "drift"


def test_no_answers_are_no_alarms() -> None:
    assert alarms([], QUIET) == []

"""From answers, tick by tick, to the alarms a person would have had. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitors.verdict import Health, Reason, Verdict


@dataclass(frozen=True)
class Answer:
    """What one monitor said of one version at one tick."""

    at: datetime
    monitor: str
    version: int
    verdict: Verdict

    @property
    def alarmed(self) -> bool:
        return self.verdict.health is Health.DEGRADED

    @property
    def drifted(self) -> bool:
        return self.verdict.reason is Reason.PROMPT_DRIFT


@dataclass
class Alarm:
    """From the first degraded answer to the last: one incident, as it would have been opened."""

    version: int
    first: Answer
    last: Answer
    ticks: int = 1
    clearest: dict[str, Answer] = field(default_factory=dict)
    """By monitor, the answer with the smallest p-value; of equals the first."""

    @property
    def worst(self) -> Answer:
        return min(self.clearest.values(), key=_surprise)

    def add(self, answer: Answer) -> None:
        self.last = answer
        self.ticks += 1
        self.note(answer)

    def note(self, answer: Answer) -> None:
        known = self.clearest.get(answer.monitor)
        if known is None or _surprise(answer) < _surprise(known):
            self.clearest[answer.monitor] = answer


def alarms(answers: Iterable[Answer], quiet: timedelta) -> list[Alarm]:
    """Answers that follow one another within `quiet` are one alarm: the longest window still saw the same images.

    `answers` are those that count, the oldest first.
    """
    found: list[Alarm] = []
    open_now: dict[int, Alarm] = {}
    for answer in answers:
        alarm = open_now.get(answer.version)
        if alarm is not None and answer.at - alarm.last.at <= quiet:
            alarm.add(answer)
        else:
            alarm = Alarm(answer.version, answer, answer)
            alarm.note(answer)
            open_now[answer.version] = alarm
            found.append(alarm)
    return found


def _surprise(answer: Answer) -> float:
    return 1.0 if answer.verdict.p_value is None else answer.verdict.p_value

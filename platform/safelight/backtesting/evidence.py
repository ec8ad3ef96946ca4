"""What lies behind an alarm: the images that are odd for their prompts, and the prompts they are odd for."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitors.departures import cluster_departures
from monitors.lens import Features
from monitors.topics import typical_words
from safelight.backtesting.alarms import Alarm, Answer
from safelight.backtesting.fitting import Fitted, sample
from safelight.backtesting.gathering import Stream
from safelight.backtesting.recording import milliseconds, moment
from safelight.backtesting.report import AlarmReport, Finding, PromptGroup, Shown
from safelight.backtesting.traits import Traits

_LOOKED_AT = 1_000  # the newest generations of a window, as with an incident
_SHOWN = 12
_GROUPS = 3


class Explainer:
    """Goes back to the stream for what an alarm's window held."""

    def __init__(self, stream: Stream, traits: Traits, fitted: Fitted, fit_until: datetime) -> None:
        self._stream, self._traits, self._fitted = stream, traits, fitted
        self._from = milliseconds(fit_until)
        self._at = stream.column("at").astype(np.int64)
        self._version = stream.column("version")
        self._blank = stream.column("blank").astype(bool)

    def explain(self, alarm: Alarm, *, images: bool) -> AlarmReport:
        """The alarm as it is reported; `images` and the groups of prompts only where images are at fault."""
        rows = self._window(alarm.worst) if images else np.zeros(0, np.intp)
        readable = rows[~self._blank[rows]]
        features = self._fitted.lens.features(sample(self._stream, self._traits, readable)) if len(readable) else None
        raised = milliseconds(alarm.first.at)
        before = (self._version == alarm.version) & (self._at >= self._from) & (self._at < raised)
        return AlarmReport(
            version=alarm.version,
            raised_at=alarm.first.at,
            last_at=alarm.last.at,
            ticks=alarm.ticks,
            generations_until=int(before.sum()),
            findings=[_finding(each) for each in sorted(alarm.clearest.values(), key=lambda each: each.at)],
            prompts=self._groups(features, readable) if features else [],
            worst=self._worst(rows[self._blank[rows]], readable, features),
        )

    def _window(self, answer: Answer) -> NDArray[np.intp]:
        """The newest rows of the window that decided, of the slice that is to blame where one is."""
        end = milliseconds(answer.at)
        start = milliseconds(answer.at - timedelta(seconds=answer.verdict.window_seconds or 3600.0))
        inside = (self._version == answer.version) & (self._at >= max(start, self._from)) & (self._at < end)
        rows = np.flatnonzero(inside)[-_LOOKED_AT:]
        blamed = _slice(answer)
        if blamed is None:
            return rows
        return np.array([row for row in rows if blamed in self._traits.slices(int(row))], np.intp)

    def _worst(self, blank: NDArray[np.intp], readable: NDArray[np.intp], features: Features | None) -> list[Shown]:
        """Blank images first, then the oddest."""
        shown = [self._shown(int(row), None) for row in blank[:_SHOWN]]
        if features is None:
            return shown
        oddest = np.argsort(-features.surprise)[: _SHOWN - len(shown)]
        return shown + [self._shown(int(readable[place]), float(features.surprise[place])) for place in oddest]

    def _shown(self, row: int, surprise: float | None) -> Shown:
        record = self._stream.take(slice(row, row + 1))[0]
        details = self._stream.recording.details(record)
        blank = bool(record["blank"])
        return Shown(
            name=details.name,
            at=moment(int(record["at"])),
            prompt=details.prompt,
            alignment=None if blank else float(record["scalars"][0]),
            surprise=surprise,
            blank=blank,
            thumbnail=self._stream.thumbnail(record),
        )

    def _groups(self, features: Features, rows: NDArray[np.intp]) -> list[PromptGroup]:
        records = self._stream.take(rows)
        prompts = [self._stream.recording.details(record).prompt for record in records]
        words = typical_words(prompts, features.cluster, self._fitted.lens.clusters)
        departed = [each for each in cluster_departures(self._fitted.lens, features) if words[each.cluster]]
        return [PromptGroup(words=words[e.cluster], share=e.share, effect=e.effect) for e in departed[:_GROUPS]]


def _finding(answer: Answer) -> Finding:
    verdict = answer.verdict
    signals = verdict.evidence.get("signals")
    return Finding(
        monitor=answer.monitor,
        at=answer.at,
        reason=verdict.reason.value,
        summary=verdict.summary,
        window_seconds=verdict.window_seconds,
        n=verdict.n,
        effect=verdict.effect,
        p_value=verdict.p_value,
        threshold=verdict.threshold,
        signals=[each for each in signals if isinstance(each, dict)] if isinstance(signals, list) else [],
        slice=_slice(answer),
    )


def _slice(answer: Answer) -> str | None:
    blamed = answer.verdict.evidence.get("slice")
    return str(blamed["name"]) if isinstance(blamed, dict) else None

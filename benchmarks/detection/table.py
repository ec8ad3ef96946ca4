"""A study's answer: tables that are printed, kept as JSON, and written from there as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.detection.streams import Delays


@dataclass(frozen=True)
class Table:
    """`notes` come below it; `values` are the figures behind it, for JSON."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", _row(self.header), _row(["---"] * len(self.header)), *map(_row, self.rows)]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.header, *self.rows)
        ]
        return "\n".join([self.title, "", *lines, "", *self.notes, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def median(delays: Delays) -> float:
    """The middle one, and the later of two: never the mean of a delay and of no alarm at all."""
    return float(np.sort(delays)[len(delays) // 2])


def spoken(delays: Delays) -> str:
    """The median delay, with the share of streams that alarmed where not all did."""
    found = np.isfinite(delays).mean()
    if found == 0.0:
        return "none"
    middle = median(delays)
    return (f"{middle:,.0f}" if np.isfinite(middle) else "-") + ("" if found == 1.0 else f" ({found:.0%})")

"""A trial as a page: what it shows in words and figures, and the images side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monitors.probes import Made
from safelight.comparing.drawing import Drawing
from safelight.comparing.trial import Drawn, Trial
from safelight.handouts.page import render
from safelight.recording.pixels import thumbnail
from safelight.serving.rendering import Pixels

_PIXELS = 192
_FELL, _ROSE, _DRAWN = 12, 6, 6


@dataclass(frozen=True)
class Asked:
    """One request of both checkpoints."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class Pair:
    """Two images of one request, as WebP, None where there is none to show; `change` of alignment, new less old."""

    prompt: str
    seed: int
    old: bytes | None
    new: bytes | None
    change: float | None


def page(
    trial: Trial,
    old_name: str,
    new_name: str,
    asked: Sequence[Asked],
    drawings: Sequence[Drawing],
    drawn: tuple[Drawn, Drawn],
    now: datetime,
) -> str:
    """One HTML file that holds everything it shows. Drawings and what was seen of them: the old one's first."""
    old, new = (each.outputs for each in drawn)
    change = new.alignments - old.alignments
    good = np.flatnonzero(np.isfinite(change))
    ranked = good[np.argsort(change[good])]
    broken = np.flatnonzero(new.mask(Made.BROKEN) & old.mask(Made.GOOD))
    rng = np.random.default_rng(0)

    def pairs(rows: NDArray[np.intp]) -> list[Pair]:
        return [
            Pair(
                asked[i].prompt,
                asked[i].seed,
                _small(drawings[0].images[i]),
                _small(drawings[1].images[i]),
                float(change[i]) if np.isfinite(change[i]) else None,
            )
            for i in map(int, rows)
        ]

    groups = {
        "Broken by the new one": pairs(broken[:_FELL]),
        "Where the new one fits the prompt least, compared": pairs(ranked[:_FELL]),
        "Where it fits better": pairs(ranked[::-1][:_ROSE]),
        "Drawn at random": pairs(np.sort(rng.permutation(len(asked))[:_DRAWN])),
    }
    return render(
        "trial.html",
        trial=trial,
        old_name=old_name,
        new_name=new_name,
        groups={title: found for title, found in groups.items() if found},
        safelight=installed("safelight"),
        now=now,
    )


def _small(image: Pixels | None) -> bytes | None:
    return None if image is None else thumbnail(Image.fromarray(image), _PIXELS)

"""An engine of one's own that draws, is weighed, and is gone."""

from pathlib import Path

import numpy as np
import pytest

import safelight.studio
from registry.drafting import draft_manifest
from registry.manifest import Hook
from registry.parameters import ParameterError, Requested
from safelight.clock import SystemClock
from safelight.comparing.engines import draw_on_engine
from safelight.errors import SafelightError
from safelight.settings import EngineSettings

FOLDER = Path(safelight.studio.__file__).parent / "weights" / "good"
SETTINGS = EngineSettings(device="cpu")


def test_every_request_is_drawn_and_timed_and_the_engine_weighed() -> None:
    requests = [Requested(prompt="a red apple", seed=seed, steps=2) for seed in (1, 2, 1)]
    done: list[int] = []
    found = draw_on_engine(FOLDER, draft_manifest(FOLDER), requests, SETTINGS, SystemClock(), done.append)
    first, other, again = found.drawing.images
    assert first is not None
    assert np.array_equal(first, again)  # type: ignore[arg-type]  # an image, as the first is
    assert not np.array_equal(first, other)  # type: ignore[arg-type]  # likewise
    assert (found.drawing.seconds > 0).all()
    assert found.host > 100_000_000
    assert (found.device, done) == (None, [1, 1, 1])
    assert found.runs_on.startswith("cpu")


def test_what_cannot_be_served_or_asked_is_said() -> None:
    manifest = draft_manifest(FOLDER)
    asked = [Requested(prompt="a red apple", seed=1)]
    refused = manifest.model_copy(update={"prompt_rewriter": Hook(name="polish", revision="1")})
    with pytest.raises(SafelightError, match="prompt rewriter polish"):
        draw_on_engine(FOLDER, refused, asked, SETTINGS, SystemClock(), lambda _done: None)
    with pytest.raises(ParameterError):
        draw_on_engine(
            FOLDER, manifest, [Requested(prompt="x", steps=9999)], SETTINGS, SystemClock(), lambda _done: None
        )

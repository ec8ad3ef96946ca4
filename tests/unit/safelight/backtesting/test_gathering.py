"""What is kept of an earlier run is shown only where the rows of today are of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from safelight.backtesting.gathering import gather
from safelight.backtesting.measuring import Measurer
from safelight.backtesting.recording import Details, Measured, Recording
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.importing.pictures import Pictures
from safelight.importing.reading import Rejects

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_table_whose_rows_are_all_gone_shows_nothing_of_what_they_were(tmp_path: Path) -> None:
    vector = np.ones(2, np.float32)
    details = Details("line 1", "a cat", {}, None, None, None, None)
    once: dict[str, Any] = {"scalars": (0.0,) * 4, "prompt": vector, "image": vector}
    Recording(tmp_path, "an embedder", (2, 2)).append([Measured(new_id(), NOON, 1, details, b"", **once)])
    nowhere = cast(Pictures, None)
    with pytest.raises(SafelightError) as refusal:
        gather([], nowhere, Rejects(print), Measurer(None), tmp_path, "an embedder", print)
    assert refusal.value.code == "nothing_to_replay"

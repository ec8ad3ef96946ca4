from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from safelight.backtesting.gathering import Stream
from safelight.backtesting.recording import Details, Measured, Recording, moment
from safelight.errors import SafelightError
from safelight.ids import first_id_at

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _measured(minute: int, *, blank: bool = False) -> Measured:
    at = NOON + timedelta(minutes=minute)
    details = Details(f"line {minute}", "a red cat", {"steps": 8}, "gpu-1", None, None, None)
    small = b"webp" + bytes(minute)
    if blank:
        return Measured(first_id_at(at), at, 1, details, small)
    prompt, image = np.full(3, 0.5, np.float32), np.full(2, minute / 8, np.float32)
    return Measured(first_id_at(at), at, 1, details, small, (0.25, 1.0, 0.5, 0.5), prompt, image)


def test_what_was_appended_is_there_after_opening_again(tmp_path: Path) -> None:
    Recording(tmp_path, "sha256:e", (3, 2)).append([_measured(5), _measured(2, blank=True)])
    opened = Recording.reopen(tmp_path, "sha256:e")
    assert opened is not None
    opened.append([_measured(3)])
    assert len(opened) == 3
    stream = Stream.of(opened, opened.positions().values())
    assert [moment(at) for at in stream.column("at")] == [NOON + timedelta(minutes=m) for m in (2, 3, 5)]
    assert stream.column("blank").tolist() == [True, False, False]
    last = stream.take(slice(2, 3))[0]
    assert opened.details(last) == _measured(5).details
    assert opened.thumbnail(last) == _measured(5).thumbnail
    np.testing.assert_array_equal(last["image"], [0.625, 0.625])
    assert opened.positions()[_measured(5).id] == 0


def test_a_record_that_was_cut_off_is_dropped_and_the_next_is_whole(tmp_path: Path) -> None:
    Recording(tmp_path, "sha256:e", (3, 2)).append([_measured(1), _measured(2)])
    records = tmp_path / "records"
    records.write_bytes(records.read_bytes()[:-3])
    opened = Recording(tmp_path, "sha256:e", (3, 2))
    assert len(opened) == 1
    opened.append([_measured(3)])
    assert [opened.details(record).name for record in opened.records] == ["line 1", "line 3"]


@pytest.mark.parametrize(("digest", "dimensions"), [("sha256:other", (3, 2)), ("sha256:e", (3, 4))])
def test_what_another_embedder_measured_is_refused(tmp_path: Path, digest: str, dimensions: tuple[int, int]) -> None:
    Recording(tmp_path, "sha256:e", (3, 2))
    with pytest.raises(SafelightError) as refused:
        Recording(tmp_path, digest, dimensions)
    assert refused.value.code == "recording_foreign"


def test_an_empty_folder_holds_no_recording(tmp_path: Path) -> None:
    assert Recording.reopen(tmp_path, "sha256:e") is None

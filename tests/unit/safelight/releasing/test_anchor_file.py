"""The file of anchors, also after a disk that was full."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.anchors import Anchor, to_line
from safelight.errors import SafelightError
from safelight.releasing.anchoring import AnchorFile

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def anchor(seq: int) -> Anchor:
    return Anchor(generator="studio", scope="default", seq=seq, hash="sha256:" + "0" * 64, at=NOON)


@pytest.mark.parametrize("left", [1, 70, len(to_line(anchor(2))) - 1])
def test_a_line_that_was_cut_off_notes_nothing_and_spoils_nothing(tmp_path: Path, left: int) -> None:
    path = tmp_path / "anchors.jsonl"
    AnchorFile(path).append([anchor(1)])
    with path.open("a") as file:
        file.write(to_line(anchor(2))[:left])
    assert AnchorFile(path).read() == [anchor(1)]
    AnchorFile(path).append([anchor(3)])
    assert AnchorFile(path).read() == [anchor(1), anchor(3)]


def test_a_line_that_nobody_could_have_cut_off_so_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text("{}\n")
    with pytest.raises(SafelightError) as refused:
        AnchorFile(path).read()
    assert refused.value.code == "anchor_file_invalid"

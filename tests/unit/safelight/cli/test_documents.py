"""Files that are none, and files that could not be written in the end."""

from pathlib import Path

import pytest

from safelight.cli.documents import check_writable, read_object
from safelight.errors import SafelightError


def test_an_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"steps": 4}')
    assert read_object(tmp_path / "manifest.json") == {"steps": 4}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe\xfd", b"[" * 100_000, b"9" * 5_000])
def test_what_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(SafelightError) as refusal:
        read_object(tmp_path / "manifest.json")
    assert refusal.value.code == "document_invalid"
    assert "manifest.json" in refusal.value.message


def test_a_place_where_nothing_can_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path / "page.html", None)
    for place, why in ((tmp_path, "it is a folder"), (tmp_path / "none" / "page.html", "there is no folder")):
        with pytest.raises(SafelightError, match=why) as refusal:
            check_writable(None, place)
        assert refusal.value.code == "output_unusable"

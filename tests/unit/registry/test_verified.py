"""What was verified is not read again, and any sign of a change, or any doubt, has it read."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from registry import verified
from registry.checkpoint import inspect
from registry.fakes import write_checkpoint
from registry.verified import VALID_SECONDS, Memory, Stamp, Verified, remembering, settled

STAMP = Stamp(device=1, inode=2, size=3, modified=40, changed=50)
SHA = "0" * 64
AT = 100
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint that was verified a moment ago."""
    folder = write_checkpoint(tmp_path / "checkpoint")
    newest = max(stamp(folder, path).changed for path in files(folder))
    while clock(tmp_path) <= newest:
        pass
    verify(folder)
    return folder


def clock(folder: Path) -> int:
    """The file system's own."""
    probe = folder / "probe"
    probe.touch()
    return probe.stat().st_ctime_ns


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file()}


def stamp(folder: Path, path: str) -> Stamp:
    return Stamp.of((folder / path).stat())


def verify(folder: Path) -> None:
    with remembering(folder, trust_unchanged=False) as memory:
        inspect(folder, memory=memory)


def known(folder: Path) -> set[str]:
    """The files that are not read again."""
    with remembering(folder, trust_unchanged=True) as memory:
        return {path for path in files(folder) if memory.recall(path, stamp(folder, path)) is not None}


@pytest.mark.parametrize("changed", range(len(STAMP)))
def test_a_file_holds_while_nothing_about_it_changed(changed: int) -> None:
    read = Verified(stamp=STAMP, sha256=SHA, at=AT)
    assert read.holds(STAMP, AT)
    other = Stamp(*(value + (place == changed) for place, value in enumerate(STAMP)))
    assert not read.holds(other, AT)


@pytest.mark.parametrize(
    ("now", "holds"),
    [(AT - 1, False), (AT, True), (AT + VALID_SECONDS * 10**9, True), (AT + VALID_SECONDS * 10**9 + 1, False)],
)
def test_a_file_holds_for_so_long(now: int, holds: bool) -> None:
    assert Verified(stamp=STAMP, sha256=SHA, at=AT).holds(STAMP, now) is holds


@pytest.mark.parametrize(("now", "noted"), [(49, False), (50, False), (51, True)])
def test_a_change_that_could_hide_in_the_tick_of_the_last_is_reckoned_with(now: int, noted: bool) -> None:
    assert settled(STAMP, now) is noted
    memory = Memory({}, now)
    memory.note("a", STAMP, STAMP, SHA)
    assert ("a" in memory.found) is noted


def test_a_file_that_changed_while_it_was_read_is_not_remembered() -> None:
    memory = Memory({}, AT)
    memory.note("a", STAMP, STAMP._replace(modified=41), SHA)
    assert memory.found == {}


def test_what_was_read_is_not_read_again(folder: Path) -> None:
    assert known(folder) == files(folder)
    assert known(folder) == files(folder), "nor after that"
    with remembering(folder, trust_unchanged=True) as memory:
        checkpoint = inspect(folder, memory=memory)
    assert checkpoint == inspect(folder)


def test_what_memory_says_of_a_file_is_taken(folder: Path) -> None:
    found = stamp(folder, WEIGHTS)
    memory = Memory({WEIGHTS: Verified(stamp=found, sha256=SHA, at=AT)}, AT)
    told: list[tuple[int, int]] = []
    checkpoint = inspect(folder, lambda done, total: told.append((done, total)), memory)
    assert [file.path for file in checkpoint.files if file.sha256 == SHA] == [WEIGHTS]
    assert told[-1] == (checkpoint.size, checkpoint.size)


def overwrite(file: Path) -> None:
    """Another byte in the same place, and the times put back as far as a program can."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        opened.write(b"\xff")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(file: Path) -> None:
    before = file.stat()
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def lengthen(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b" ")


@pytest.mark.parametrize("change", [overwrite, replace, lengthen, Path.touch, lambda file: file.chmod(0o600)])
def test_a_file_that_changed_is_read_again_and_no_other(folder: Path, change: Callable[[Path], None]) -> None:
    file = "tokenizer/tokenizer_config.json"
    change(folder / file)
    assert known(folder) == files(folder) - {file}


def test_only_its_owner_may_read_what_is_kept(folder: Path) -> None:
    assert (folder / ".verified").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.glob(".*")] == [".verified"], "no draft is left over"


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"boot": 1, "files": {}}',
        '{"boot": "b", "files": {"a": {"stamp": [1], "sha256": "", "at": 0}}}',
    ],
)
def test_what_cannot_be_understood_says_nothing(folder: Path, odd: str) -> None:
    (folder / ".verified").write_text(odd)
    assert known(folder) == set()


def test_what_is_not_even_a_file_says_nothing(folder: Path) -> None:
    (folder / ".verified").unlink()
    (folder / ".verified").mkdir()
    verify(folder)
    assert known(folder) == set()


def test_what_somebody_else_could_have_written_says_nothing(folder: Path) -> None:
    (folder / ".verified").chmod(0o666)
    assert known(folder) == set()


def test_what_was_read_before_the_machine_started_says_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "_BOOT", tmp_path / "boot")
    (tmp_path / "boot").write_text("another\n")
    assert known(folder) == set()
    verify(folder)
    assert known(folder) == files(folder)


def test_where_the_machine_does_not_say_when_it_started_nothing_is_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads((folder / ".verified").read_text())
    monkeypatch.setattr(verified, "_BOOT", tmp_path / "missing")
    assert known(folder) == set()
    verify(folder)
    assert json.loads((folder / ".verified").read_text()) == before


def test_a_verification_that_fails_leaves_nothing_remembered(folder: Path) -> None:
    with pytest.raises(ValueError, match="of another digest"), remembering(folder, trust_unchanged=True):
        raise ValueError("of another digest")
    assert list(folder.glob(".*")) == []

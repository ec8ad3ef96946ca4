"""What a person is told when a command cannot do its work; faults of ours are shown whole."""

from pathlib import Path

import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

import safelight.cli
from safelight.cli import main

SECRET = "postgresql://safelight:hunter2@db/safelight"


def _run(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(safelight.cli, "app", fail)
    main()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("SELECT 1", {}, Exception(SECRET)), "[database_unavailable]"),
        (DataError("SELECT 1", {}, Exception(SECRET)), "[value_out_of_range]"),
        (IntegrityError("SELECT 1", {}, Exception(SECRET)), "[changed_meanwhile]"),
        (OverflowError(SECRET), "[value_out_of_range]"),
        (UnicodeEncodeError("utf-8", SECRET, 0, 1, "surrogates not allowed"), "[value_out_of_range]"),
        (FileNotFoundError(2, "No such file or directory", "none.json"), "none.json: No such file or directory."),
        (PermissionError(13, "Permission denied", Path("page.html")), "[file_unusable]"),
    ],
)
def test_what_a_person_can_mend_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    with pytest.raises(SystemExit) as end:
        _run(monkeypatch, error)
    told = capsys.readouterr().err
    assert end.value.code == 1
    assert told.startswith("safelight: ")
    assert said in told
    assert "hunter2" not in told


@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), ConnectionResetError(104, "reset")])
def test_a_fault_of_ours_is_shown_whole(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with pytest.raises(type(error)):
        _run(monkeypatch, error)

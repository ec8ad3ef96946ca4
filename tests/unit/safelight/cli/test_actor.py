"""The ledger and the audit log name whoever runs a command, also where the system does not."""

import getpass
import os

import pytest

from safelight.cli.actor import actor


def test_who_has_a_name_is_called_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    assert actor() == "cli:ann"


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 1000740000"), OSError("no username set")])
def test_who_has_none_is_called_by_number(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """In a container that runs under a user of its own, a rollback by hand has to work as well."""

    def nameless() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert actor() == f"cli:{os.getuid()}"

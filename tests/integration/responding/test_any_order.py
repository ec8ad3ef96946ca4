"""Releases, guard and incidents in any order, with deaths at any step: what must always be so is so."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .mortal import MortalDatabase  # noqa: TID252
from .trying import TryingCompany  # noqa: TID252

STEPS = 20


def play(url: str, examples: int) -> None:
    class OnThis(TryingCompany):
        database = MortalDatabase(url)
        races = not database.is_sqlite

    profile = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(OnThis, settings=profile)
    finally:
        OnThis.database.dispose()


def test_whatever_happens_one_version_serves(database_url: str) -> None:
    play(database_url, 6)


@pytest.mark.soak
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_deaths(database_url: str) -> None:
    """The ten thousand are played on paper: tests/unit/safelight/responding/test_rules_in_any_order.py."""
    play(database_url, 200)


@pytest.mark.soak
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_with_races(database_url: str) -> None:
    play(database_url, 200)

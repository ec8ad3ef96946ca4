"""How long is kept what people and monitors still read."""

import pytest
from pydantic import ValidationError

from safelight.settings import RetentionSettings
from safelight.watching.monitors import LONGEST_WINDOW

DAYS = ("verdicts_days", "sketches_days")


@pytest.mark.parametrize("name", DAYS)
@pytest.mark.parametrize("days", [7, 0, -1, 8.5, "for ever", None])
def test_less_than_monitors_look_back_is_refused(name: str, days: object) -> None:
    with pytest.raises(ValidationError, match=name):
        RetentionSettings.model_validate({name: days})


@pytest.mark.parametrize("name", DAYS)
def test_the_least_is_more_than_the_longest_window(name: str) -> None:
    assert getattr(RetentionSettings.model_validate({name: 8}), name) > LONGEST_WINDOW.days

"""Background work goes on, whatever a step of it raises."""

import asyncio
import logging

import pytest

from safelight.serving.running import keep_at


def test_a_step_that_fails_is_followed_by_another(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[str] = []

    async def step() -> bool:
        taken.append("step")
        if len(taken) < 3:
            raise RuntimeError("a value that nobody thought of")
        if len(taken) == 5:
            raise asyncio.CancelledError
        return True

    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_at("replays", step, 0.0))
    assert len(taken) == 5
    assert [record.message for record in caplog.records] == [
        "replays failed, 1 in a row; trying again in 0.0 s",
        "replays failed, 2 in a row; trying again in 0.0 s",
    ]


def test_it_outlasts_a_database_that_is_away_for_days(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def step() -> bool:
        if len(pauses) == 1_200:
            raise asyncio.CancelledError
        raise OSError("no connection")

    monkeypatch.setattr("safelight.serving.running.asyncio.sleep", pause)
    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_at("jobs", step, 1.0))
    assert len(caplog.records) == 11, "the first, the second, the fourth ... of 1,200"
    assert (pauses[:4], pauses[-1]) == ([2.0, 4.0, 5.0, 5.0], 5.0)

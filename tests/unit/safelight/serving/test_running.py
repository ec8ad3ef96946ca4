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
    assert [record.message for record in caplog.records] == ["replays failed; trying again in 0.0 s"] * 2

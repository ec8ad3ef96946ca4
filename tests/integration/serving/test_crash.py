"""An engine that is killed under load: every request is answered all the same, and the engine comes back."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from safelight.recording.generation import Outcome
from safelight.store.engines import EngineState

Start = Callable[[Any, int], Any]


def test_a_killed_engine_costs_no_request(serving: Any, log: Any, start_load: Start) -> None:
    async def story() -> None:
        async with serving.gateway(log) as gateway:
            load = start_load(gateway, 6)
            await load.reach(12)
            victim = serving.ready()[1]
            os.kill(victim.pid, signal.SIGKILL)
            await load.reach(len(load.answered) + 20)
            await load.stop()
            successor = serving.ready()[1]
            assert successor.pid != victim.pid
            assert {each.outcome for each, _ in log.records} == {Outcome.SERVED}
            assert {each.version for each in load.answered} == {1}
            # Acknowledged and recorded are the same set: nothing lost, nothing made twice.
            assert sorted(each.id for each in load.answered) == sorted(each.id for each, _ in log.records)

    asyncio.run(story())
    [fallen] = [each for each in serving.engines() if each.state is EngineState.FAILED]
    assert "signal 9" in fallen.detail

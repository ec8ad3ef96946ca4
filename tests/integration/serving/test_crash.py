"""An engine that is killed under load: every request is answered all the same, and the engine comes back."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from safelight.clock import SystemClock
from safelight.recording.generation import Outcome
from safelight.responding.announcement import Links
from safelight.responding.crashing import CrashWatch
from safelight.store import incidents
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


class _Leads:
    def held(self) -> bool:
        return True


def test_one_that_is_killed_again_and_again_is_one_incident_and_no_storm(serving: Any) -> None:
    def killed() -> list[Any]:
        return [each for each in serving.engines() if each.version == 1 and each.state is EngineState.FAILED]

    def kill_what_lives() -> bool:
        for each in serving.engines():
            if each.version == 1 and each.pid and each.state in (EngineState.STARTING, EngineState.READY):
                with suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)
        return len(killed()) >= 4

    serving.wait_until(kill_what_lives)
    watch = CrashWatch(serving.database, _Leads(), Links("http://localhost"), SystemClock())
    assert (watch.run_once(), watch.run_once()) == (1, 0)
    with serving.database.reading() as session:
        [incident] = incidents.open_incidents(session, "sprites")
    assert (incident.reason, incident.suspect_version) == ("engine_crash_loop", 1)
    assert {death["detail"] for death in incident.evidence["deaths"]} == {"the process ended by itself (signal 9)"}
    # The rest between two starts grows: none of them came sooner than its predecessors have earned.
    ended = sorted(each.heartbeat_at for each in killed())
    assert (ended[-1] - ended[-2]).total_seconds() >= 2
    # Left alone it serves again.
    serving.wait_until(lambda: 1 in serving.ready())

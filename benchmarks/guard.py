"""How long an armed guard takes, its probes' time apart: `python -m benchmarks.guard`.

Against an API process and an engine host as they run in production, with clients that never pause. A verdict is put in
where the monitors would store one, and answered as the worker answers it; so is what the probes say. Two stretches are
timed: from the verdict until the probes are ordered, and from the last probe that was judged until every gateway has
left the bad version. Making the probes and judging them lies between the two and is left out.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from benchmarks.installation import Installation, installation
from benchmarks.rollback import Load
from monitors.preference import Departures
from monitors.probes import Comparison
from monitors.recovery import Recovery
from monitors.scan import Rule
from monitors.verdict import Health, Reason, Verdict
from registry.ledger import EntryKind
from registry.progress import State
from safelight import wiring
from safelight.probing.ordering import SyntheticSets
from safelight.responding.announcement import Links
from safelight.responding.causes import ACTOR
from safelight.responding.deciding import Decider
from safelight.responding.handling import Handling
from safelight.responding.responder import Responder
from safelight.store import guard, incidents, probe_sets, probes, releases, verdicts
from safelight.store.database import Database, Session
from safelight.store.incidents import PolicyMode
from safelight.store.probes import KnownRun, NewRun, Purpose
from safelight.store.verdicts import NewVerdict, StoredVerdict
from safelight.studio.demo import GENERATOR

_WANTED_SECONDS = 5.0
_PAIRS = 128
_WITHIN = 60.0


@dataclass(frozen=True)
class Round:
    """One automatic rollback, in seconds."""

    ordered: float
    """From the verdict until its probes are ordered."""
    flipped: float
    """From the last probe that was judged until every gateway has left the bad version."""

    @property
    def seconds(self) -> float:
        return self.ordered + self.flipped


class Guard:
    """A worker's answer to verdicts and probes, without the statistics before it."""

    def __init__(self, database: Database) -> None:
        links = Links("http://localhost")
        self._database = database
        self._clock = wiring.clock()
        self._releasing = wiring.releasing()
        self._handling = Handling(links)
        self._decider = Decider(self._releasing, links, _PAIRS)
        self._responder = Responder(self._decider, _no_evidence, _still_waiting, links)

    def arm(self, rounds: int) -> None:
        """Automatic, with as many rollbacks an hour as there are rounds, and something to hold probes against."""
        SyntheticSets(self._database, self._clock).provide()
        now = self._clock.now()
        with self._database.transaction() as session:
            incidents.set_policy(session, GENERATOR, PolicyMode.AUTO, ACTOR, now)
            guard.set_most_per_hour(session, GENERATOR, rounds, ACTOR, now)
            [chosen] = probe_sets.of_generator(session, GENERATOR)
            stored = NewRun(
                generator=GENERATOR,
                version=1,
                set_id=chosen.id,
                purpose=Purpose.BASELINE,
                places=chosen.plain,
                expires_at=now,
                ordered_by=ACTOR,
            )
            probes.judged(session, probes.order(session, stored, now).id, {"comparison": None}, None, now)

    def once(self) -> Round:
        """Version 2 falls short, its probes say so, and version 1 comes to serve in its place."""
        begun = self._clock.now()
        incident = self._alarm()
        ordered = self._clock.now()
        answered, flipped = self._answer(incident)
        self._put_back(incident)
        return Round((ordered - begun).total_seconds(), (flipped - answered).total_seconds())

    def _alarm(self) -> UUID:
        now = self._clock.now()
        verdict = Verdict(Health.DEGRADED, Reason.ALIGNMENT_DOWN, "put in by the benchmark", n=300)
        with self._database.transaction() as session:
            stored = verdicts.add(session, GENERATOR, now, [NewVerdict("release_comparison", True, 2, verdict)])
            self._responder.respond(session, GENERATOR, stored, now)
            [incident] = incidents.open_incidents(session, GENERATOR)
            return incident.id

    def _answer(self, incident: UUID) -> tuple[datetime, datetime]:
        """When the last probe was judged, and when every gateway routed to the version gone back to."""
        with self._database.reading() as session:
            runs = [run for run in probes.of_incident(session, incident) if run.open]
        for run in runs:
            answered = self._clock.now()
            with self._database.transaction() as session:
                probes.judged(session, run.id, _result(run), None, answered)
                self._decider.probes_ended(session, incident, answered)
        return answered, self._served(EntryKind.ROLLBACK)

    def _put_back(self, incident: UUID) -> None:
        now = self._clock.now()
        with self._database.transaction() as session:
            self._handling.resolve(session, incident, ACTOR, "put in by the benchmark", now)
            self._releasing.promote(
                session,
                generator=GENERATOR,
                version=2,
                expected_serving=1,
                actor=ACTOR,
                reason="for the next round",
                override="its incident was put in by the benchmark",
            )
        self._served(EntryKind.PROMOTE)

    def _served(self, kind: EntryKind) -> datetime:
        """When the newest release came to serve."""
        deadline = time.monotonic() + _WITHIN
        while time.monotonic() < deadline:
            with self._database.reading() as session:
                [newest] = releases.page(session, GENERATOR, None, 1)
                served = [step.at for step in releases.steps(session, newest.id) if step.step == State.SERVING]
            if newest.kind is kind and served:
                return served[0]
            time.sleep(0.02)
        raise TimeoutError(f"no {kind} came to serve within {_WITHIN:.0f} s")


def _no_evidence(_session: Session, _generator: str, _verdict: StoredVerdict) -> dict[str, Any]:
    return {}


def _still_waiting(_session: Session, _generator: str, _since: datetime, _now: datetime) -> Recovery:
    return Recovery.WAITING


def _result(run: KnownRun) -> dict[str, Any]:
    """The suspect lost alignment everywhere, the target nowhere."""
    bad = run.purpose is Purpose.SUSPECT
    rule = Rule.ANY_CHANGE if run.against is None else Rule.WORSE
    p_value, lost = (1e-9, 0.1) if bad else (1.0, 0.0)
    found = Comparison(rule, len(run.places), 0, 0, 0, None, None, 0.1, -0.1, p_value, p_value)
    departed = Departures(
        rule, dict.fromkeys(run.places, -lost), dict.fromkeys(run.places, lost), dict.fromkeys(run.places, False)
    )
    return {"comparison": found.to_dict(), "departures": departed.to_dict()}


async def measure(made: Installation, clients: int, rounds: int) -> tuple[list[Round], Load]:
    database = wiring.database(made.settings)
    armed = Guard(database)
    armed.arm(rounds)
    async with made.client() as http:
        load, numbers = Load(), count(1)
        running = [asyncio.create_task(load.client(http, numbers)) for _ in range(clients)]
        done = [await asyncio.to_thread(armed.once) for _ in range(rounds)]
        load.stop = True
        await asyncio.gather(*running)
    database.dispose()
    return done, load


def table(rounds: list[Round], load: Load, clients: int) -> str:
    worst = max(each.seconds for each in rounds)
    columns = {
        "verdict to probes": [each.ordered for each in rounds],
        "probes to route": [each.flipped for each in rounds],
        "both": [each.seconds for each in rounds],
    }
    lines = [f"{name:20} median {statistics.median(of):6.3f} s   max {max(of):6.3f} s" for name, of in columns.items()]
    kept = "kept" if worst <= _WANTED_SECONDS and not load.failures else "NOT kept"
    head = f"{len(rounds)} automatic rollbacks, {clients} clients without a pause"
    tail = f"{len(load.made)} images made, {len(load.failures)} requests failed; at most {_WANTED_SECONDS:g} s: {kept}"
    return "\n".join([head, *lines, tail])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with installation(max_batch=8) as made:
        rounds, load = asyncio.run(measure(made, options.clients, options.rounds))
    print(table(rounds, load, options.clients))


if __name__ == "__main__":
    main()

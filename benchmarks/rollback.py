"""How long a flip takes under load, and what it costs: `python -m benchmarks.rollback`.

Clients ask for one image after the other while production goes back and forth between two warm versions by REST. The
flip time runs from the ledger's entry to the last request that was still given to the old version: a generation's
`created_at` is the moment its request came in and, with an engine ready, was given to it.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import httpx

from benchmarks.installation import Installation, installation
from safelight.studio.demo import GENERATOR

_SETTLE_SECONDS = 1.0
_LEGEND = """\
Milliseconds. flip: from the ledger's entry to the last request given to the old version; answered: median, from the
click to the answer; confirmed: median, from the click until every gateway has confirmed it; requests: asked for within
a second of the entries."""
_FLIP_WITHIN = 60.0


@dataclass
class Load:
    """Clients that never pause. `made` holds when each image was asked for and by which version it was made."""

    made: list[tuple[datetime, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stop: bool = False

    async def client(self, http: httpx.AsyncClient, numbers: Iterator[int]) -> None:
        while not self.stop:
            # One step without guidance: the more requests a second, the finer the flip is measured.
            asked = {
                "generator": GENERATOR,
                "prompt": "a red balloon",
                "steps": 1,
                "guidance": 1,
                "seed": next(numbers),
            }
            reply = await http.post("/api/v1/generations", json=asked)
            if reply.is_success:
                [item] = reply.json()["items"]
                self.made.append((datetime.fromisoformat(item["created_at"]), item["version"]))
            else:
                self.failures.append(reply.text)


@dataclass(frozen=True)
class Flip:
    """One change of what serves. Times in milliseconds."""

    kind: str
    flip_ms: float
    """From the ledger's entry to the last request given to the old version."""
    answer_ms: float
    """From the click to the answer."""
    confirmed_ms: float
    """From the click until every gateway has confirmed it."""
    requests: int
    """Asked for from a second before the entry to a second after it."""


async def flip(http: httpx.AsyncClient, load: Load, kind: str, old: int, new: int) -> Flip:
    asked = {"generator": GENERATOR, "reason": "benchmark", "expected_serving": old}
    clicked = time.perf_counter()
    reply = await http.post(f"/api/v1/releases/{kind}", json=asked | ({"version": new} if kind == "promote" else {}))
    answered = time.perf_counter()
    reply.raise_for_status()
    path = f"/api/v1/releases/{reply.json()['id']}/events"
    async with asyncio.timeout(_FLIP_WITHIN), http.stream("GET", path) as events:
        async for _ in events.aiter_lines():  # ends when the platform has nothing left to do
            pass
    confirmed = time.perf_counter()
    ledger = (await http.get("/api/v1/ledger", params={"generator": GENERATOR})).json()
    entry = datetime.fromisoformat(ledger["items"][0]["at"])
    await asyncio.sleep(_SETTLE_SECONDS)
    last_old = max(at for at, version in load.made if version == old)
    around = [at for at, _ in load.made if abs(at - entry) <= timedelta(seconds=1)]
    return Flip(
        kind=kind,
        flip_ms=max((last_old - entry).total_seconds() * 1000, 0.0),
        answer_ms=(answered - clicked) * 1000,
        confirmed_ms=(confirmed - clicked) * 1000,
        requests=len(around),
    )


async def measure(made: Installation, clients: int, pairs: int) -> tuple[list[Flip], Load]:
    async with made.client() as http:
        load, numbers = Load(), count(1)
        running = [asyncio.create_task(load.client(http, numbers)) for _ in range(clients)]
        await asyncio.sleep(_SETTLE_SECONDS)
        flips = []
        for _ in range(pairs):
            flips.append(await flip(http, load, "rollback", old=2, new=1))
            flips.append(await flip(http, load, "promote", old=1, new=2))
        load.stop = True
        await asyncio.gather(*running)
        return flips, load


def table(flips: list[Flip], load: Load, clients: int) -> str:
    columns = ("flips", "flip median", "flip p99", "flip max", "answered", "confirmed", "requests")
    lines = [
        f"{clients} clients without a pause; {len(load.made)} images made, {len(load.failures)} requests failed",
        "",
        " " * 10 + "".join(f"{column:>12}" for column in columns),
    ]
    for kind in ("rollback", "promote"):
        of_kind = [each for each in flips if each.kind == kind]
        times = [each.flip_ms for each in of_kind]
        answered = statistics.median(each.answer_ms for each in of_kind)
        confirmed = statistics.median(each.confirmed_ms for each in of_kind)
        figures = (len(of_kind), statistics.median(times), p99(times), max(times), answered, confirmed)
        requests = sum(each.requests for each in of_kind)
        lines.append(f"{kind:10}" + "".join(f"{figure:12.0f}" for figure in (*figures, requests)))
    times = [each.flip_ms for each in flips]
    verdict = f"all {len(times)} flips: {p99(times):.0f} ms at p99, {max(times):.0f} ms at most"
    return "\n".join([*lines, "", _LEGEND, verdict])


def p99(times: list[float]) -> float:
    """The smallest of them that 99 % do not exceed."""
    return sorted(times)[math.ceil(0.99 * len(times)) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=100, help="rollbacks, each followed by a promote")
    options = parser.parse_args()
    with installation(max_batch=8) as made:
        flips, load = asyncio.run(measure(made, options.clients, options.pairs))
    print(table(flips, load, options.clients))
    for failure in load.failures[:5]:
        print(failure)


if __name__ == "__main__":
    main()

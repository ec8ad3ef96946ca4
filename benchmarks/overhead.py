"""What the service costs beside a bare diffusers loop, LitServe and Ray Serve: `python -m benchmarks.overhead`.

All make the same images of the same version with one thread and the same batch size. They take turns within one run,
so that whatever else the machine does meets all of them. The service records every image durably before it answers and
asks for a key; the peers do neither. "bare, kept" is the bare loop with what none can do without who keeps what it
makes: the PNGs of a batch, flushed to the disk. Then one request at a time, beside one write that is flushed and one
PNG, which are in the service's time and not in the bare call's.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import astuple, dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks import processor
from benchmarks.bare import GUIDANCE, PROMPT, SIDE, STEPS, BareLoop
from benchmarks.client import Client
from benchmarks.installation import Installation, installation
from benchmarks.litserve import interpreter
from benchmarks.peer import peer
from safelight.serving.png import encode_png
from safelight.studio.demo import GENERATOR
from safelight.studio.versions import build_version

_OURS = "Safelight"
_GENERATIONS = "/api/v1/generations"


@dataclass(frozen=True)
class Turn:
    """Images a second of each, right after one another, and how the service made its own."""

    rates: Mapping[str, float]
    made: "Made"

    def ratio(self, other: str) -> float:
        return self.rates[_OURS] / self.rates[other]


@dataclass(frozen=True)
class Made:
    """The mean size of the service's batches, and processor time an image beside its rendering, in milliseconds."""

    batch: float
    api: float
    engine: float


async def service_rate(made: Installation, clients: int, seconds: float) -> tuple[float, Made]:
    """Images a second with so many clients that never pause."""
    replies: list[bytes] = []
    api, engines = _spent(made)
    async with Client(made.url, made.key) as http:

        async def one(seed: int) -> None:
            replies.append(await http.post(_GENERATIONS, _asked(seed)))

        rate = await _saturate(one, clients, seconds)
        api_after, engines_after = _spent(made)
        sample = [json.loads(each)["items"][0]["id"] for each in replies[:: max(len(replies) // 50, 1)]]
        found = [json.loads(await http.get(f"{_GENERATIONS}/{each}")) for each in sample]
    batch = statistics.mean(each["envelope"]["batch_size"] for each in found)
    each_took = 1000 / len(replies)
    return rate, Made(batch, (api_after - api) * each_took, _beside_rendering(engines, engines_after) * each_took)


def _asked(seed: int) -> dict[str, object]:
    return {"generator": GENERATOR, "prompt": PROMPT, "seed": seed}


def _spent(made: Installation) -> tuple[float, dict[int, dict[int, float]]]:
    """Seconds of the API process, and of each engine's threads."""
    engines = {pid: processor.by_thread(pid) for pid in processor.children(made.host)}
    return processor.seconds(made.api), engines


def _beside_rendering(before: dict[int, dict[int, float]], after: dict[int, dict[int, float]]) -> float:
    """Seconds of all threads of the engines but the one of each that was busiest: it renders."""
    spent = ([seconds - before[pid].get(thread, 0.0) for thread, seconds in after[pid].items()] for pid in before)
    return sum(sum(each) - max(each) for each in spent)


async def peer_rate(url: str, clients: int, seconds: float) -> float:
    async with Client(url) as http:

        async def one(seed: int) -> None:
            await http.post("/predict", {"seed": seed})

        return await _saturate(one, clients, seconds)


async def _saturate(one: Callable[[int], Awaitable[None]], clients: int, seconds: float) -> float:
    finished: list[float] = []
    started = time.perf_counter()

    async def client(number: int) -> None:
        for turn in count():
            if time.perf_counter() - started >= seconds:
                return
            await one(number * 1_000_000 + turn)
            finished.append(time.perf_counter())

    await asyncio.gather(*(client(number) for number in range(clients)))
    return len(finished) / (max(finished) - started)


def measure(made: Installation, loop: BareLoop, peers: Mapping[str, str], options: argparse.Namespace) -> list[Turn]:
    # Twice a batch, so that the next one waits while the current one is rendered.
    clients = 2 * options.batch
    kept = made.settings.data_dir / "kept"
    taken = []
    for number in range(options.turns + 1):
        seconds = options.seconds if number else 1.0  # the first turn warms up
        rates = {"bare": loop.rate(options.batch, seconds), "bare, kept": loop.rate(options.batch, seconds, kept)}
        rates[_OURS], how = asyncio.run(service_rate(made, clients, seconds))
        rates |= {name: asyncio.run(peer_rate(url, clients, seconds)) for name, url in peers.items()}
        taken.append(Turn(rates, how))
    return taken[1:]


async def one_at_a_time(made: Installation, loop: BareLoop, peers: Mapping[str, str], times: int) -> dict[str, float]:
    """Medians in milliseconds, each measured right after the other, so many times."""
    pixels = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    scratch = made.settings.data_dir / "flushed"
    spent: dict[str, list[float]] = {name: [] for name in ("bare call", _OURS, *peers, "fsync", "PNG")}
    async with AsyncExitStack() as open_until_done:
        ours = await open_until_done.enter_async_context(Client(made.url, made.key))
        clients = {name: await open_until_done.enter_async_context(Client(url)) for name, url in peers.items()}
        file = open_until_done.enter_context(scratch.open("wb", buffering=0))

        def flush() -> None:
            file.write(b"x" * 16_384)
            os.fsync(file.fileno())

        for seed in range(1, times + 1):
            spent["bare call"].append(_milliseconds(partial(loop.images, [seed])))
            spent[_OURS].append(await _milliseconds_until(ours.post(_GENERATIONS, _asked(seed))))
            for name, client in clients.items():
                spent[name].append(await _milliseconds_until(client.post("/predict", {"seed": seed})))
            spent["fsync"].append(_milliseconds(flush))
            spent["PNG"].append(_milliseconds(partial(encode_png, pixels)))
    return {name: statistics.median(values) for name, values in spent.items()}


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


async def _milliseconds_until(answer: Awaitable[object]) -> float:
    started = time.perf_counter()
    await answer
    return (time.perf_counter() - started) * 1000


def table(taken: list[Turn], batch: int) -> str:
    names = list(taken[0].rates)
    others = [name for name in names if name != _OURS]
    columns = [*names, *(f"ours / {name}" for name in others), "batch", "API ms", "engine ms"]
    rows = [[*turn.rates.values(), *map(turn.ratio, others), *astuple(turn.made)] for turn in taken]
    lines = [f"{'turn':>8}" + "".join(f"{column:>19}" for column in columns)]
    lines += [f"{number:8}" + "".join(f"{figure:19.3f}" for figure in row) for number, row in enumerate(rows, 1)]
    medians = (statistics.median(figures) for figures in zip(*rows, strict=True))
    lines.append(f"{'median':>8}" + "".join(f"{figure:19.3f}" for figure in medians))
    lines += ["", "images a second, the ratio of ours to each, and our processor time an image beside rendering"]
    lines += [f"{STEPS} steps, {SIDE}x{SIDE}, guidance {GUIDANCE}, batches of up to {batch}, one thread, CPU"]
    return "\n".join(lines)


def single_table(medians: dict[str, float]) -> str:
    lines = [f"{name:>12}{value:10.2f} ms" for name, value in medians.items()]
    rest = medians[_OURS] - medians["bare call"] - medians["fsync"] - medians["PNG"]
    return "\n".join([*lines, f"service over the bare call, one fsync and one PNG: {rest:.2f} ms at the median"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each, in each turn")
    parser.add_argument("--singles", type=int, default=200, help="requests one at a time, of each")
    options = parser.parse_args()
    with installation(max_batch=options.batch) as made:
        folder: Path = build_version(2, made.settings.data_dir / "bare").folder
        pythons = {"LitServe": (interpreter(), "benchmarks.litserve_peer")}
        pythons["Ray Serve"] = (Path(sys.executable), "benchmarks.ray_serve_peer")
        with ExitStack() as started:
            peers = {
                name: started.enter_context(peer(python, module, folder, options.batch))
                for name, (python, module) in pythons.items()
                if python is not None
            }
            loop = BareLoop(folder)
            taken = measure(made, loop, peers, options)
            medians = asyncio.run(one_at_a_time(made, loop, peers, options.singles))
    print(table(taken, options.batch))
    print()
    print(single_table(medians))


if __name__ == "__main__":
    main()

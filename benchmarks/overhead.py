"""What the service costs beside a bare diffusers loop: `python -m benchmarks.overhead`.

Both make the same images of the same version with one thread and the same batch size. They take turns within one run,
so that whatever else the machine does meets both. The service records every image durably before it answers.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import diffusers
import httpx
import torch
import transformers

from benchmarks.installation import Installation, installation
from safelight.studio.demo import GENERATOR
from safelight.studio.versions import build_version

PROMPT = "a red balloon on a blue background"
STEPS, GUIDANCE, SIDE = 8, 3.0, 64


@dataclass(frozen=True)
class Turn:
    """Images a second of either, right after one another, and the mean batch the service formed."""

    bare: float
    service: float
    batch: float


class BareLoop:
    """Diffusers as its documentation uses it: no queue, no HTTP, no PNG, no log."""

    def __init__(self, folder: Path, batch: int) -> None:
        torch.set_num_threads(1)
        diffusers.utils.logging.set_verbosity_error()
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        self._pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        self._pipeline.set_progress_bar_config(disable=True)
        self._batch = batch
        self._seeds = count(1)

    def rate(self, seconds: float) -> float:
        images, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            generators = [torch.Generator().manual_seed(next(self._seeds)) for _ in range(self._batch)]
            self._pipeline(
                [PROMPT] * self._batch,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
                width=SIDE,
                height=SIDE,
                generator=generators,
                output_type="np",
            )
            images += self._batch
        return images / (time.perf_counter() - started)


async def service_rate(made: Installation, clients: int, seconds: float) -> tuple[float, float]:
    """Images a second with so many clients that never pause, and the mean size of the batches."""
    finished: list[float] = []
    ids: list[str] = []
    started = time.perf_counter()

    async def client(http: httpx.AsyncClient, number: int) -> None:
        for turn in count():
            if time.perf_counter() - started >= seconds:
                return
            asked = {"generator": GENERATOR, "prompt": PROMPT, "seed": number * 1_000_000 + turn}
            reply = await http.post("/api/v1/generations", json=asked)
            reply.raise_for_status()
            finished.append(time.perf_counter())
            ids.append(reply.json()["items"][0]["id"])

    async with made.client() as http:
        await asyncio.gather(*(client(http, number) for number in range(clients)))
        sample = ids[:: max(len(ids) // 50, 1)]
        envelopes = [(await http.get(f"/api/v1/generations/{each}")).json()["envelope"] for each in sample]
    return len(finished) / (max(finished) - started), statistics.mean(each["batch_size"] for each in envelopes)


def measure(made: Installation, loop: BareLoop, batch: int, turns: int, seconds: float) -> list[Turn]:
    # Twice a batch, so that the next one waits while the current one is rendered.
    clients = 2 * batch
    loop.rate(1.0)
    asyncio.run(service_rate(made, clients, 1.0))
    taken = []
    for _ in range(turns):
        bare = loop.rate(seconds)
        service, mean_batch = asyncio.run(service_rate(made, clients, seconds))
        taken.append(Turn(bare, service, mean_batch))
    return taken


def table(taken: list[Turn], batch: int) -> str:
    ratios = [each.service / each.bare for each in taken]
    lines = [f"{'turn':>8}{'bare images/s':>16}{'service images/s':>18}{'service/bare':>14}{'mean batch':>12}"]
    lines += [
        f"{number:8}{each.bare:16.2f}{each.service:18.2f}{ratio:14.3f}{each.batch:12.1f}"
        for number, (each, ratio) in enumerate(zip(taken, ratios, strict=True), 1)
    ]
    bare, service = (
        statistics.median(values) for values in zip(*((each.bare, each.service) for each in taken), strict=True)
    )
    lines.append(f"{'median':>8}{bare:16.2f}{service:18.2f}{statistics.median(ratios):14.3f}")
    lines += ["", f"{STEPS} steps, {SIDE}x{SIDE}, guidance {GUIDANCE}, batches of up to {batch}, one thread, CPU"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=15.0, help="of either, in each turn")
    options = parser.parse_args()
    with installation(max_batch=options.batch) as made:
        loop = BareLoop(build_version(2, made.settings.data_dir / "bare").folder, options.batch)
        taken = measure(made, loop, options.batch, options.turns, options.seconds)
    print(table(taken, options.batch))


if __name__ == "__main__":
    main()

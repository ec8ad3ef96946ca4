"""Records what the shipped versions make of everyday traffic, as the lens of a fresh installation needs it.

Run as ``python -m safelight.studio.training.record_baselines`` after new weights were put in place: the recordings
are bound to the digests of bundle and embedder. Images are drawn by the serving code and thrown away.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from itertools import count, groupby, islice
from multiprocessing import get_context
from pathlib import Path

import torch

from registry.parameters import GenerationParameters, Requested
from safelight.scoring.embedder import OpenClipEmbedder
from safelight.scoring.stream import record
from safelight.studio.prompts import EVERYDAY, PromptMix, prompt_stream
from safelight.studio.training.rendering import Pixels
from safelight.studio.training.sampling import BATCH, Sampler
from safelight.studio.versions import BASELINES, EMBEDDER, BuiltVersion, build_version
from safelight.watching.recorded import RecordedSample, write

_SEED = 20_000  # not one that live traffic starts from


def single_images(version: BuiltVersion, seed: int, mix: PromptMix = EVERYDAY) -> Iterator[GenerationParameters]:
    """Traffic over whole days, completed by the version's defaults, one entry for each image asked for."""
    minutes = count()
    for request in prompt_stream(seed, mix, hour=lambda: next(minutes) / 60 % 24):
        resolved = version.manifest.resolve(Requested(**asdict(request)), fallback_seed=request.seed)
        for index in range(resolved.n):
            yield replace(resolved, n=1, seed=resolved.seed + index)


def draw(version: BuiltVersion, asked: Sequence[GenerationParameters]) -> list[Pixels]:
    """An image for each entry; neighbours that agree in steps and guidance share a batch."""
    torch.set_num_threads(1)
    sampler = Sampler(version)
    images: list[Pixels] = []
    for _, alike in groupby(asked, key=_settings):
        while batch := list(islice(alike, BATCH)):
            images += sampler.render(batch)
    return images


def _settings(each: GenerationParameters) -> tuple[int, float]:
    return each.steps, each.guidance


def record_version(
    version: BuiltVersion,
    embedder: OpenClipEmbedder,
    asked: Iterable[GenerationParameters],
    processes: int,
) -> RecordedSample:
    """Those that agree in steps and guidance come together in the recording, whatever the order they were asked in."""
    asked = sorted(asked, key=_settings)
    share = -(-len(asked) // processes)
    parts = [asked[start : start + share] for start in range(0, len(asked), share)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        drawn = [image for part in pool.map(draw, [version] * len(parts), parts) for image in part]
    return record(
        embedder,
        version.manifest.digest,
        [each.prompt for each in asked],
        [asdict(each) for each in asked],
        drawn,
        version.manifest.defaults,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the baselines that ship.")
    parser.add_argument("--destination", type=Path, default=BASELINES)
    parser.add_argument("--images", type=int, nargs=2, default=[1000, 4600], help="of version 1 and of version 2")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)

    embedder = OpenClipEmbedder(str(EMBEDDER), device="cpu")
    options.destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, images in zip((1, 2), options.images, strict=True):
            if not images:
                continue
            version = build_version(number, Path(folder, str(number)))
            asked = islice(single_images(version, _SEED + number), images)
            recorded = record_version(version, embedder, asked, options.processes)
            path = options.destination / f"version-{number}.safetensors"
            write(path, recorded)
            path.chmod(0o644)


if __name__ == "__main__":
    main()

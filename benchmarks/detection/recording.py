"""Records streams of the studio's versions: `python -m benchmarks.detection.recording`.

They are kept in a folder that git ignores, and made again when weights or embedder have changed.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.detection.environment import CACHE
from monitors.sample import Sample
from safelight.errors import SafelightError
from safelight.scoring.embedder import OpenClipEmbedder
from safelight.studio.prompts import EVERYDAY, FESTIVAL, PromptMix
from safelight.studio.training.record_baselines import record_version, single_images
from safelight.studio.versions import EMBEDDER, BuiltVersion, build_version
from safelight.watching.recorded import read, write

STREAMS = CACHE / "studio"
_SEED = 70_000  # neither the shipped baselines' nor live traffic's


@dataclass(frozen=True)
class Stream:
    name: str
    version: int
    images: int
    mix: PromptMix = EVERYDAY


HEALTHY = Stream("version 2", 2, 1500)
FESTIVE = Stream("version 2, other prompts", 2, 800, FESTIVAL)
# Of a regression a few hundred are enough: it is found within as many, or mixed into healthy traffic.
OTHERS = tuple(
    Stream(f"version {number}", number, images) for number, images in ((1, 400), (3, 400), (4, 400), (5, 800), (6, 400))
)
ALL = (HEALTHY, FESTIVE, *OTHERS)


def recorded(stream: Stream, images: int, processes: int) -> Sample:
    """So many of the stream's images, from the cache if that holds enough of the present weights'."""
    embedder = OpenClipEmbedder(str(EMBEDDER), device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        version = build_version(stream.version, Path(folder, "version"))
        path = STREAMS / f"{stream.name.replace(', ', '-').replace(' ', '-')}.safetensors"
        kept = _kept(path, version, embedder.digest)
        if kept is None or len(kept) < images * 0.98:  # broken images are not recorded
            _record(path, stream, version, embedder, images, processes)
            kept = read(path).sample
    # A recording is sorted by what was asked for: the first ones would not stand for all.
    return kept.take(np.random.default_rng(0).permutation(len(kept))[:images])


def _kept(path: Path, version: BuiltVersion, embedder_digest: str) -> Sample | None:
    try:
        found = read(path)
    except SafelightError:
        return None
    current = (found.bundle_digest, found.embedder_digest) == (version.manifest.digest, embedder_digest)
    return found.sample if current else None


def _record(
    path: Path, stream: Stream, version: BuiltVersion, embedder: OpenClipEmbedder, images: int, processes: int
) -> None:
    asked = islice(single_images(version, _SEED + 100 * stream.version, stream.mix), images)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, record_version(version, embedder, asked, processes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    for stream in ALL:
        sample = recorded(stream, stream.images, options.processes)
        print(f"{stream.name}: {len(sample)} generations in {STREAMS}", flush=True)


if __name__ == "__main__":
    main()

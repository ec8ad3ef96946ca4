"""How long a checkpoint takes to be verified and loaded, beside its tensors alone: `python -m benchmarks.cold_load`.

The checkpoint is the studio's with a denoiser of random weights, as large as asked and written in parts. Each way runs
in a process of its own, with the files either dropped from the page cache or read into it just before. With its
libraries imported before the clock starts:

- `load_file`: safetensors' own, which maps the files and reads nothing yet;
- `load_file, read`: the same, and every page of the tensors read once, which is the least that any use of them takes;
- `diffusers, read`: the pipeline built by diffusers alone, and every page of its weights read once;
- `Safelight`: every byte hashed and held against the version's digest, then what diffusers does;
- `Safelight, unchanged`: the same of files that were verified before, and that nothing has changed since.

And from nothing, imports and all:

- `diffusers, process`: what a service does that starts with diffusers alone, every page read once;
- `engine, process`: the engine of a host, verified by it meanwhile, until its golden check begins;
- `engine, unchanged`: the same of files that were verified before;
- `engine, ahead`: the same again in a process that its host had started ahead, with its imports done.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import diffusers
import torch
from safetensors.torch import load_file, save_file

import safelight.studio
from registry.checkpoint import inspect
from registry.manifest import Manifest, parse_manifest
from registry.versions import Version, fetch_verified
from safelight.clock import SystemClock
from safelight.serving.child import EngineChild
from safelight.serving.control import EngineSpec
from safelight.serving.pipeline import preload, prepare
from safelight.serving.processes import Processes

_WEIGHTS = Path(safelight.studio.__file__).parent / "weights" / "good"
_UNET = "diffusion_pytorch_model"
_PART_BYTES = 1024**3
_PAGE = 4096
# What is unchanged was verified by the way before it.
_WAYS = (
    "load_file",
    "load_file, read",
    "diffusers, read",
    "Safelight",
    "Safelight, unchanged",
    "diffusers, process",
    "engine, process",
    "engine, unchanged",
    "engine, ahead",
)
_RATIOS = (
    ("Safelight", "load_file"),
    ("Safelight", "load_file, read"),
    ("Safelight, unchanged", "load_file, read"),
    ("Safelight", "diffusers, read"),
    ("Safelight, unchanged", "diffusers, read"),
    ("engine, process", "diffusers, process"),
    ("engine, unchanged", "diffusers, process"),
    ("engine, ahead", "diffusers, process"),
)
_LOADED_WITHIN = 300.0
_IMPORTED_BYTES = 100_000_000
_STEADY_SECONDS = 2.0


@dataclass(frozen=True)
class Taken:
    """Seconds on the wall, and of processors in all processes that took part."""

    wall: float
    processor: float


def build(folder: Path, size: int) -> Path:
    """The studio's checkpoint with a denoiser of about so many bytes."""
    shutil.copytree(_WEIGHTS, folder, dirs_exist_ok=True)
    unet = folder / "unet"
    (unet / f"{_UNET}.safetensors").unlink()
    config = json.loads((unet / "config.json").read_text())
    shapes = _grown(config, size)
    (unet / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True))
    parts = list(_parts(shapes))
    where: dict[str, str] = {}
    for number, names in enumerate(parts, 1):
        file = f"{_UNET}-{number:05}-of-{len(parts):05}.safetensors"
        # Small enough for nothing to overflow; what comes out is noise all the same.
        tensors = {name: torch.randn(shapes[name]) * 0.01 for name in names}
        save_file(tensors, unet / file, metadata={"format": "pt"})
        where |= dict.fromkeys(names, file)
    total = sum(map(_bytes, shapes.values()))
    index = {"metadata": {"total_size": total}, "weight_map": where}
    (unet / f"{_UNET}.safetensors.index.json").write_text(json.dumps(index))
    return folder


def _grown(config: dict[str, Any], size: int) -> dict[str, torch.Size]:
    """Widens the denoiser until it is large enough; the shapes of its weights."""
    channels = config["block_out_channels"]
    factor = 1
    while True:
        config["block_out_channels"] = [each * factor for each in channels]
        with torch.device("meta"):
            made = diffusers.UNet2DConditionModel.from_config(config)
        shapes = {name: tensor.shape for name, tensor in made.state_dict().items()}
        if sum(map(_bytes, shapes.values())) >= size:
            return shapes
        factor += 1


def _bytes(shape: torch.Size) -> int:
    return 4 * shape.numel()


def _parts(shapes: dict[str, torch.Size]) -> Iterable[list[str]]:
    part: list[str] = []
    size = 0
    for name, shape in shapes.items():
        if part and size + _bytes(shape) > _PART_BYTES:
            yield part
            part, size = [], 0
        part.append(name)
        size += _bytes(shape)
    yield part


def drop(folder: Path) -> None:
    """Out of the page cache, as far as the system does as it is told."""
    os.sync()
    for file in _files(folder):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(folder: Path) -> None:
    for file in _files(folder):
        with file.open("rb") as opened:
            while opened.read(64 * 1024 * 1024):
                pass


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def _read(tensors: Iterable[torch.Tensor]) -> None:
    for tensor in tensors:
        tensor.detach().contiguous().view(torch.uint8).flatten()[::_PAGE].sum()


def load(way: str, folder: Path, digest: str, started: float) -> Taken:
    """In a process of its own, which was `started` at this monotonic time: what it holds is gone with it."""
    manifest = _manifest(digest)
    processes = Processes(SystemClock(), threads=1)
    ways: dict[str, Callable[[], object]] = {
        "load_file": lambda: _tensors(folder),
        "load_file, read": lambda: _read(_tensors(folder)),
        "diffusers, read": lambda: _built(folder),
        "Safelight": lambda: _verified_and_built(folder, manifest, trust_unchanged=False),
        "Safelight, unchanged": lambda: _verified_and_built(folder, manifest, trust_unchanged=True),
        "diffusers, process": lambda: _built(folder),
        "engine, process": lambda: _engine(folder, manifest, processes, trust_unchanged=False),
        "engine, unchanged": lambda: _engine(folder, manifest, processes, trust_unchanged=True),
        "engine, ahead": lambda: _engine(folder, manifest, processes, trust_unchanged=True),
    }
    processor = 0.0
    if way == "engine, ahead":
        processes.start_ahead()
        _wait_for_imports(processes)
    if way != "diffusers, process":
        if not way.startswith("engine"):
            preload()
        started, processor = time.monotonic(), _processor()
    kept = ways[way]()
    seconds = time.monotonic() - started
    del kept
    return Taken(seconds, _processor() - processor)


def _processor() -> float:
    return sum(os.times()[:4])


def _tensors(folder: Path) -> list[torch.Tensor]:
    return [each for file in sorted(folder.rglob("*.safetensors")) for each in load_file(file).values()]


def _manifest(digest: str) -> Manifest:
    return parse_manifest(
        {
            "checkpoint": digest,
            "dtype": "float32",
            "defaults": {"steps": 2, "guidance": 1, "width": 64, "height": 64},
            "limits": {"min_side": 64, "max_side": 64, "max_steps": 9, "max_guidance": 9, "max_prompt_length": 500},
            "golden": [{"prompt": "a red apple", "seed": 1}],
        }
    )


def _built(folder: Path) -> object:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    _read_weights(pipeline)
    return pipeline


def _verified_and_built(folder: Path, manifest: Manifest, *, trust_unchanged: bool) -> object:
    _verify(folder, manifest, trust_unchanged=trust_unchanged)
    prepared = prepare(folder, manifest, device="cpu", threads=1)
    settled = prepared.settle()
    _read_weights(prepared.pipeline)
    return settled


def _verify(folder: Path, manifest: Manifest, *, trust_unchanged: bool) -> None:
    version = Version("cold-load", 1, manifest.digest, manifest, SystemClock().now(), str(folder))
    fetch_verified(version, folder, _no_download, trust_unchanged=trust_unchanged)


def _no_download(_: Path) -> Path:
    raise SystemExit("the checkpoint is gone")


def _read_weights(pipeline: Any) -> None:
    modules = (each for each in pipeline.components.values() if isinstance(each, torch.nn.Module))
    _read(weight for module in modules for weight in module.state_dict().values())


def _wait_for_imports(processes: Processes) -> None:
    """Until it takes no more memory: it has nothing to say before it is given a version."""
    before, end = 0, time.monotonic() + _LOADED_WITHIN
    while processes.memory_ahead > before or before < _IMPORTED_BYTES:
        if time.monotonic() > end:
            raise SystemExit("no process could be started ahead")
        before = processes.memory_ahead
        time.sleep(_STEADY_SECONDS)


def _engine(folder: Path, manifest: Manifest, processes: Processes, *, trust_unchanged: bool) -> None:
    def fetch() -> EngineSpec:
        _verify(folder, manifest, trust_unchanged=trust_unchanged)
        return EngineSpec(
            folder=folder,
            manifest=manifest,
            device="cpu",
            threads=1,
            max_batch=1,
            max_wait_ms=0,
            host="127.0.0.1",
            token=secrets.token_urlsafe(),
        )

    child = EngineChild(fetch, SystemClock(), processes)
    child.start()
    end = time.monotonic() + _LOADED_WITHIN
    while child.status.load_seconds is None:
        if child.status.ended or time.monotonic() > end:
            raise SystemExit(f"the engine was not loaded: {child.status}")
        time.sleep(0.01)
    child.kill()
    child.join(_LOADED_WITHIN)


def measured(way: str, folder: Path, digest: str) -> Taken:
    asked = ["--way", way, "--folder", str(folder), "--digest", digest, "--started", str(time.monotonic())]
    command = [sys.executable, "-m", "benchmarks.cold_load", *asked]
    # A session of its own for each, as an engine has: Linux may share out processors by session.
    done = subprocess.run(command, check=True, capture_output=True, text=True, start_new_session=True)
    return Taken(**json.loads(done.stdout.strip().splitlines()[-1]))


def table(taken: dict[str, dict[str, list[Taken]]]) -> str:
    lines = [f"{'seconds, median':44}" + "".join(f"{state:>14}{'processor':>14}" for state in taken)]
    lines += [f"{way:44}" + "".join(_medians(of[way]) for of in taken.values()) for way in _WAYS]
    for ours, peer in _RATIOS:
        ratios = "".join(_ratio(of[ours], of[peer]) for of in taken.values())
        lines.append(f"{ours + ' / ' + peer:44}{ratios}")
    return "\n".join(lines)


def _medians(turns: Sequence[Taken]) -> str:
    return f"{median(one.wall for one in turns):14.2f}{median(one.processor for one in turns):14.2f}"


def _ratio(ours: Sequence[Taken], theirs: Sequence[Taken]) -> str:
    """Of the turns side by side: on the wall, and of processor time."""
    pairs = list(zip(ours, theirs, strict=True))
    walls = median(one.wall / other.wall for one, other in pairs)
    processors = median(one.processor / other.processor for one, other in pairs)
    return f"{walls:14.2f}{processors:14.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--way", choices=_WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--digest", help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way is not None:
        torch.set_num_threads(1)
        print(json.dumps(asdict(load(asked.way, asked.folder, asked.digest, asked.started))))
        return
    with tempfile.TemporaryDirectory(prefix="cold-load-") as name:
        folder = build(Path(name) / "checkpoint", int(asked.gigabytes * 1e9))
        found = inspect(folder)
        taken: dict[str, dict[str, list[Taken]]] = {}
        for state, bring_about in (("not cached", drop), ("cached", warm)):
            taken[state] = {way: [] for way in _WAYS}
            for _ in range(asked.turns):
                for way in _WAYS:
                    bring_about(folder)
                    took = measured(way, folder, found.digest)
                    print(f"{state}, {way}: {took.wall:.2f} s, {took.processor:.2f} s of processors", file=sys.stderr)
                    taken[state][way].append(took)
    print(table(taken))
    print(f"\n{found.size / 1e9:.2f} GB in float32, {asked.turns} turns, one thread, CPU")


if __name__ == "__main__":
    main()

"""How long a checkpoint takes to be verified and loaded, beside its tensors alone: `python -m benchmarks.cold_load`.

The checkpoint is the studio's with a denoiser of random weights, as large as asked and written in parts. Each way runs
in a process of its own, its libraries imported before the clock starts, with the files either dropped from the page
cache or read into it just before:

- `load_file`: safetensors' own, which maps the files and reads nothing yet;
- `load_file, read`: the same, and every page of the tensors read once, which is the least that any use of them takes;
- `Safelight`: what an engine does: every byte hashed and held against the version's digest, the pipeline built, and
  every page of its weights read once.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import diffusers
import torch
from safetensors.torch import load_file, save_file

import safelight.studio
from registry.checkpoint import inspect
from registry.manifest import parse_manifest
from safelight.serving.pipeline import prepare

_WEIGHTS = Path(safelight.studio.__file__).parent / "weights" / "good"
_UNET = "diffusion_pytorch_model"
_PART_BYTES = 1024**3
_PAGE = 4096
_WAYS = ("load_file", "load_file, read", "Safelight")


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


def load(way: str, folder: Path, digest: str) -> float:
    """Seconds. In a process of its own: what it holds is gone with it."""
    ways: dict[str, Callable[[], object]] = {
        "load_file": lambda: _tensors(folder),
        "load_file, read": lambda: _read(_tensors(folder)),
        "Safelight": lambda: _as_an_engine(folder, digest),
    }
    started = time.perf_counter()
    kept = ways[way]()
    seconds = time.perf_counter() - started
    del kept
    return seconds


def _tensors(folder: Path) -> list[torch.Tensor]:
    return [each for file in sorted(folder.rglob("*.safetensors")) for each in load_file(file).values()]


def _as_an_engine(folder: Path, digest: str) -> object:
    if inspect(folder).digest != digest:
        raise SystemExit("the checkpoint is not what it was")
    manifest = parse_manifest(
        {
            "checkpoint": digest,
            "dtype": "float32",
            "defaults": {"steps": 2, "guidance": 1, "width": 64, "height": 64},
            "limits": {"min_side": 64, "max_side": 64, "max_steps": 9, "max_guidance": 9, "max_prompt_length": 500},
            "golden": [{"prompt": "a red apple", "seed": 1}],
        }
    )
    prepared = prepare(folder, manifest, device="cpu", threads=1)
    settled = prepared.settle()
    modules = (each for each in prepared.pipeline.components.values() if isinstance(each, torch.nn.Module))
    _read(weight for module in modules for weight in module.state_dict().values())
    return settled


def measured(way: str, folder: Path, digest: str) -> float:
    command = [sys.executable, "-m", "benchmarks.cold_load", "--way", way, "--folder", str(folder), "--digest", digest]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.strip().splitlines()[-1])


def table(taken: dict[str, dict[str, list[float]]]) -> str:
    lines = [f"{'seconds, median':20}" + "".join(f"{state:>14}" for state in taken)]
    lines += [f"{way:20}" + "".join(f"{median(taken[state][way]):14.2f}" for state in taken) for way in _WAYS]
    for peer in _WAYS[:2]:
        ratios = (
            median(ours / theirs for ours, theirs in zip(taken[state]["Safelight"], taken[state][peer], strict=True))
            for state in taken
        )
        lines.append(f"{'/ ' + peer:20}" + "".join(f"{ratio:14.2f}" for ratio in ratios))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--way", choices=_WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--digest", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way is not None:
        print(load(asked.way, asked.folder, asked.digest))
        return
    with tempfile.TemporaryDirectory(prefix="cold-load-") as name:
        folder = build(Path(name) / "checkpoint", int(asked.gigabytes * 1e9))
        found = inspect(folder)
        taken: dict[str, dict[str, list[float]]] = {}
        for state, bring_about in (("not cached", drop), ("cached", warm)):
            taken[state] = {way: [] for way in _WAYS}
            for _ in range(asked.turns):
                for way in _WAYS:
                    bring_about(folder)
                    taken[state][way].append(measured(way, folder, found.digest))
    print(table(taken))
    print(f"\n{found.size / 1e9:.2f} GB in float32, {asked.turns} turns, one thread, CPU")


if __name__ == "__main__":
    main()

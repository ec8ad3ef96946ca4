"""Trains everything that ships: ``python -m safelight.studio.training``, with the options of ``--help``.

The generator has a process to itself; beside it the decoder and then the embedder are trained in another, so that
two cores, or one GPU, are kept busy. Run again after an interruption, it goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from safelight.studio.training.rendering import Renderer
from safelight.studio.training.train_generator import latent_space

# Shares of the generator's minutes.
_DECODER: Final = 1 / 3
_EMBEDDER: Final = 2 / 3


def _run_in_turn(commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        subprocess.run(command, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the bundled generator, decoder and embedder.")
    parser.add_argument("--workspace", type=Path, default=Path(".studio"), help="folder for sprites, states, results")
    parser.add_argument("--minutes", type=float, help="wall-clock budget of it all (default: each script's own)")
    parser.add_argument("--device", help="where to train (default: on a GPU if there is one)")
    options = parser.parse_args()

    def script(name: str, share: float) -> list[str]:
        command = [sys.executable, "-m", f"safelight.studio.training.{name}", "--workspace", str(options.workspace)]
        if options.minutes is not None:
            command += ["--minutes", str(options.minutes * share)]
        if options.device is not None:
            command += ["--device", options.device]
        return command

    # What both sides read is there before they start.
    latent_space(Renderer(options.workspace), options.workspace)
    sides = (
        [script("train_generator", 1)],
        [script("train_decoder", _DECODER), script("train_embedder", _EMBEDDER)],
    )
    with ThreadPoolExecutor(len(sides)) as pool:
        list(pool.map(_run_in_turn, sides))


if __name__ == "__main__":
    main()

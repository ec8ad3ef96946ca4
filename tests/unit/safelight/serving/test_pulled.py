"""Pulled checkpoints are bounded, and what may have to serve stays."""

import os
from pathlib import Path

import pytest

from safelight.serving.pulled import Pulled, PulledCheckpoints, superfluous

OLD, MIDDLE, NEW = Pulled("old", 40, 1.0), Pulled("middle", 40, 2.0), Pulled("new", 40, 3.0)


@pytest.mark.parametrize(
    ("needed", "max_bytes", "doomed"),
    [
        ((), 120, []),
        ((), 119, [OLD]),
        ((), 80, [OLD]),
        ((), 79, [OLD, MIDDLE]),
        (("old",), 80, [MIDDLE]),
        (("old", "middle", "new"), 1, []),
        ((), 0, [OLD, MIDDLE, NEW]),
    ],
)
def test_the_longest_unused_goes_until_the_rest_fits(
    needed: tuple[str, ...], max_bytes: int, doomed: list[Pulled]
) -> None:
    assert superfluous([NEW, OLD, MIDDLE], needed, max_bytes) == doomed


def test_folders_go_as_a_whole_and_unfinished_ones_are_left_alone(tmp_path: Path) -> None:
    pulled = PulledCheckpoints(tmp_path, max_bytes=1500)
    for name, at in (("a", 10), ("b", 20), (".c-unfinished", 5)):
        folder = tmp_path / name
        (folder / "unet").mkdir(parents=True)
        (folder / "unet" / "weights.safetensors").write_bytes(bytes(1000))
        os.utime(folder, (at, at))
    assert pulled.used("sha256:a") == 1000  # later than b from now on
    pulled.make_room(needed=())
    assert sorted(path.name for path in tmp_path.iterdir()) == [".c-unfinished", "a"]
    pulled.make_room(needed=())
    assert pulled.folder("sha256:a").is_dir()

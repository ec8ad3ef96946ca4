"""Every command of the README works as it is written, in the order in which it is read."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from safelight.studio.versions import build_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.documentation.conftest import Block, Typist

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md"))
DAY = 660
"""Generations: enough for a baseline."""
LINES = 330
"""Of them that are sent at once."""


@pytest.mark.soak  # its engines load, probe and flip as everybody's do: minutes
def test_the_readme_works_as_it_is_written(typist: Typist, blocks: Callable[[Path], list[Block]]) -> None:
    build_version(1, typist.folder / "path" / "to" / "checkpoint")
    (typist.folder / "lighthouse.png").write_bytes(picture(0))
    happens = {"a-day-later": a_day_of_traffic, "after-another-release": another_release}
    for block in blocks(ROOT / "README.md"):
        if block.executed:
            for mark in block.marks & happens.keys():
                happens[mark](typist)
            typist.types(block)
            typist.wait_until_settled()

    ledger = typist.asks("/api/v1/ledger?generator=portraits")["items"][::-1]
    assert [(entry["kind"], entry["to_version"]) for entry in ledger] == [
        ("promote", 1),
        ("accept", 1),
        *[("promote", 2), ("rollback", 1)] * 2,
    ]
    assert [each["name"] for each in typist.asks("/api/v1/baselines?generator=portraits")["items"]] == ["first-day"]
    assert [each["name"] for each in typist.asks("/api/v1/notifications/channels")["items"]] == ["on call"]
    asked = "/api/v1/generations?generator=portraits&q=a lighthouse at dusk"
    typist.wait(lambda: [each["source"] for each in typist.asks(asked)["items"]] == ["ingest", "engine"])


def a_day_of_traffic(typist: Typist) -> None:
    for first in range(0, DAY, LINES):
        lines = "\n".join(
            json.dumps(
                {
                    "generator": "portraits",
                    "version": 1,
                    "prompt": f"portrait number {number}",
                    "image": base64.b64encode(picture(number)).decode(),
                }
            )
            for number in range(first, first + LINES)
        )
        typist.client.post(
            "/api/v1/ingest", content=lines, headers={"Content-Type": "application/x-ndjson"}
        ).raise_for_status()
    typist.wait(
        lambda: sum(point["n"] for point in typist.asks("/api/v1/series?generator=portraits")["signals"]) >= DAY
    )


def another_release(typist: Typist) -> None:
    """Of the studio's second version, which is known after the first time."""
    folder = typist.folder / "another"
    if not folder.exists():
        build_version(2, folder)
        typist.run("safelight register portraits another")
    typist.run("safelight promote portraits 2")
    typist.wait_until_settled()


def picture(seed: int) -> bytes:
    """A PNG that is like no other: a shaded patch of a colour of its own."""
    random = np.random.default_rng(seed)
    shade = np.linspace(0.2, 1.0, 64)
    pixels = np.outer(shade, np.roll(shade, random.integers(64)))[..., None] * random.uniform(40, 255, 3)
    encoded = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(encoded, "PNG")
    return encoded.getvalue()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_target_of_make_that_is_named_exists(document: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", document.read_text(), flags=re.MULTILINE))
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert named <= {line.split()[1] for line in listed.splitlines()}

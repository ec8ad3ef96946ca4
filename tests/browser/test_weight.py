"""What the page weighs, and that its types are the API's."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parents[2] / "platform" / "web"
PAGE = Path(__file__).parents[2] / "platform" / "safelight" / "page"
FIRST_SCRIPTS = 180_000
"""Bytes, gzipped."""


def test_the_first_screen_is_light() -> None:
    """The entry, the overview's chunk, and all that either imports before it can be shown."""
    named = re.findall(r'/assets/([^"]+\.js)"', (PAGE / "index.html").read_text())
    waiting = named + [file.name for file in (PAGE / "assets").glob("Overview-*.js")]
    needed: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = (PAGE / "assets" / name).read_bytes()
            waiting += re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', needed[name].decode())
    assert len(needed) > len(named)
    assert not any(name.startswith("engine-") for name in needed), "the charts' engine is loaded when there is a chart"
    assert sum(len(gzip.compress(script)) for script in needed.values()) < FIRST_SCRIPTS


def test_every_part_of_mantine_that_the_page_uses_is_styled() -> None:
    sheet = (WEB / "src" / "theme" / "mantine.css").read_text()
    imports = (
        names
        for file in (WEB / "src").rglob("*.tsx")
        for names in re.findall(r'import \{([^}]*)\} from "@mantine/core"', file.read_text())
    )
    used = {part for names in imports for part in re.findall(r"\w+", names)}
    styles = WEB / "node_modules" / "@mantine" / "core" / "styles"
    styled = {part for part in used if (styles / f"{part}.css").is_file()}
    assert "Button" in styled
    assert {part for part in styled if f"/{part}.css" not in sheet} == set()


def test_the_types_are_those_of_the_api(tmp_path: Path) -> None:
    described = subprocess.run(
        [sys.executable, "-m", "safelight.api.openapi"], check=True, capture_output=True, text=True
    )
    made = tmp_path / "schema.d.ts"
    subprocess.run(
        [str(WEB / "node_modules" / ".bin" / "openapi-typescript"), "-o", str(made)],
        input=described.stdout,
        text=True,
        check=True,
        capture_output=True,
        cwd=WEB,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert made.read_text() == (WEB / "src" / "api" / "schema.d.ts").read_text(), "run: cd platform/web && npm run api"

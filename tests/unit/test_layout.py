"""The house stands as docs/decisions/0002 says: what a machine can hold is held here."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

TOP_LEVEL = {
    # the product
    "platform", "migrations", "monitors", "registry", "tests", "benchmarks", "docs",
    # how it is built, checked and run
    "pyproject.toml", "requirements.lock", "requirements-dev.lock", "Makefile", "Dockerfile", "docker-compose.yml",
    ".ci", ".dockerignore", ".env.example", ".gitattributes", ".gitignore", "alembic.ini",
    # what it says about itself
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE",
}  # fmt: skip

LONGEST = 350

# Longer, each with its reason.
MAY_BE_LONGER = {
    "tests/unit/safelight/serving/test_gateway.py": "one class, through all its failures",
    "migrations/versions/0001_first_release.py": "a revision is one step, however long",
    "platform/web/src/api/schema.d.ts": "made from the API's OpenAPI document",
}

WEIGHTS_LIMIT = 20_000_000


def tracked(*patterns: str) -> list[Path]:
    """The files git knows, or would know once added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def at_the_root(code: str) -> str:
    """What a fresh interpreter, started at the root with the root first on its path, prints."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_standard_library_keeps_its_platform() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert at_the_root("import platform; print(platform.system())") == "Linux"


@pytest.mark.parametrize(
    ("package", "folder"), [("monitors", "monitors"), ("registry", "registry"), ("safelight", "platform/safelight")]
)
def test_packages_come_from_this_checkout(package: str, folder: str) -> None:
    found = Path(at_the_root(f"import {package}; print({package}.__file__)"))
    assert found == ROOT / folder / "__init__.py"


def test_every_top_level_entry_is_expected() -> None:
    present = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert present <= TOP_LEVEL


def test_files_hold_one_concept() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in tracked("*.py", "platform/web/src/*.ts", "platform/web/src/*.tsx")
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST}
    assert too_long.keys() <= MAY_BE_LONGER.keys()


def test_weights_stay_small() -> None:
    weights = tracked("platform/safelight/studio/**", "*.safetensors", "*.npz")
    assert sum(path.stat().st_size for path in set(weights)) <= WEIGHTS_LIMIT


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)
    pinned, hashed = (
        re.findall(pattern, text, flags=re.MULTILINE) for pattern in (r"^[\w.-]+==", r"^[\w.-]+==\S+ .*\\$")
    )
    assert len(pinned) == len(hashed) > 100


def test_the_development_lock_holds_the_runtime_lock() -> None:
    runtime, development = (
        set(re.findall(r"^([\w.-]+==\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime <= development


def test_the_development_lock_fits_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    asked = [Requirement(line) for line in chain(project["project"]["dependencies"], *extras)]
    lines = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements-dev.lock").read_text(), flags=re.MULTILINE)
    locked = {canonicalize_name(name): version for name, version in lines}
    stale = [str(one) for one in asked if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))]
    assert not stale, "run `make lock`"


def test_the_pages_lock_file_holds_no_address() -> None:
    text = (ROOT / "platform" / "web" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert '"integrity"' in text

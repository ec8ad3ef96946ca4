"""The Dockerfile, as far as it can be checked without an engine: what it names is there, and is what was tested."""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows; `instructions` are pairs of a name and its text on one line."""

    name: str
    base: str
    instructions: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [text for each, text in self.instructions if each == name]


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    text = (ROOT / "Dockerfile").read_text()
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    found: dict[str, Stage] = {}
    for name, rest in (line.split(maxsplit=1) for line in lines if line.strip()):
        if name == "FROM":
            base, _, stage = rest.split()
            found[stage] = Stage(stage, base, [])
        else:
            list(found.values())[-1].instructions.append((name, rest))
    return found


def test_it_copies_only_what_git_keeps(stages: dict[str, Stage]) -> None:
    sources = [
        source for text in stages["build"].all("COPY") if not text.startswith("--from") for source in text.split()[:-1]
    ]
    assert "requirements.lock" in sources
    kept = subprocess.run(["git", "ls-files", "--", *sources], cwd=ROOT, check=True, capture_output=True, text=True)
    assert [source for source in sources if source != "." and source not in kept.stdout.splitlines()] == []


def test_its_context_is_what_the_wheel_is_built_from_and_no_more() -> None:
    first, *allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = {path.split("/")[0] for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]}
    read = {"pyproject.toml", "requirements.lock", project["project"]["readme"], *project["project"]["license-files"]}
    assert first == "*"
    assert {line.removeprefix("!") for line in allowed if line.startswith("!")} == packed | read
    assert {"**/node_modules", "platform/safelight/page"} <= set(allowed), "these are made in the image"


def test_it_installs_the_lock_and_builds_nothing_else(stages: dict[str, Stage]) -> None:
    run = " && ".join(stages["build"].all("RUN"))
    locked = "pip install --require-hashes --only-binary :all: -r requirements.lock -c requirements.lock"
    assert locked in run
    assert [each for each in re.findall(r"pip install [^&]+", run) if locked not in each] == [
        "pip install --no-deps --no-build-isolation . "
    ]
    assert "npm --prefix platform/web ci" in run


def test_its_python_is_the_one_that_the_lock_is_made_for(stages: dict[str, Stage]) -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    bases = {stage.base for stage in stages.values() if stage.base not in stages}
    assert bases == {f"python:{asked}-slim-bookworm"}


def test_it_runs_the_tested_command_and_not_as_root(stages: dict[str, Stage]) -> None:
    serving = stages["cpu"]
    assert serving.all("ENTRYPOINT") == ['["safelight"]']
    assert serving.all("USER") == ["safelight"]
    assert stages["cuda"].base == "cpu"
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert "safelight" in scripts


def test_the_compose_file_builds_one_of_its_targets(stages: dict[str, Stage]) -> None:
    target = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-safelight"]["build"]["target"]
    assert re.search(r":-(\w+)}", target).group(1) in stages  # type: ignore[union-attr]  # it has a default

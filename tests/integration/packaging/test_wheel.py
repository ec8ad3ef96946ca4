"""What the wheel carries, and that it works where there is no checkout."""

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Installation:
    """A virtual environment whose only Safelight is the wheel's."""

    folder: Path

    @property
    def safelight(self) -> Path:
        return self.folder / "bin" / "safelight"

    @property
    def packages(self) -> Path:
        return self.folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"

    def prints(self, code: str) -> str:
        """What this environment's interpreter, started outside the checkout, prints."""
        python = self.folder / "bin" / "python"
        return subprocess.run(
            [python, "-c", code], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installed = Installation(tmp_path_factory.mktemp("elsewhere") / "venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", installed.folder], check=True)
    # The dependencies are this environment's. A folder that a .pth file names is put on the path without reading the
    # .pth files inside it, so this environment's own editable Safelight stays out.
    (installed.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(installed.folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", wheel], check=True)
    return installed


def in_wheel(wheel: Path, folder: str) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name.removeprefix(f"{folder}/") for name in archive.namelist() if name.startswith(f"{folder}/")}


def in_checkout(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize(
    ("packed", "source"),
    [
        ("safelight/migrations", "migrations"),
        ("safelight/page", "platform/safelight/page"),
        ("safelight/studio", "platform/safelight/studio"),
        ("monitors", "monitors"),
        ("registry", "registry"),
    ],
)
def test_it_carries_what_runs(wheel: Path, packed: str, source: str) -> None:
    expected = in_checkout(ROOT / source)
    assert expected, f"{source} is empty here: `make page` builds the page"
    assert in_wheel(wheel, packed) == expected


def test_it_carries_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        roots = {name.split("/")[0] for name in archive.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"safelight", "monitors", "registry"}


def test_it_carries_the_licence_and_the_notices(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licences = {Path(name).name for name in archive.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_it_carries_the_licences_of_what_the_page_bundles(wheel: Path) -> None:
    asked = json.loads((ROOT / "platform/web/package.json").read_text())["dependencies"]
    with zipfile.ZipFile(wheel) as archive:
        carried = archive.read("safelight/page/licences.md").decode()
    assert {name for name in asked if f"\n## {name} - " not in carried} == set()


@pytest.mark.parametrize("package", ["safelight", "monitors", "registry"])
def test_it_is_what_gets_imported(installation: Installation, package: str) -> None:
    found = Path(installation.prints(f"import {package}; print({package}.__file__)"))
    assert found == installation.packages / package / "__init__.py"


def test_it_finds_its_migrations(installation: Installation) -> None:
    found = installation.prints("from safelight.store.migrate import folder; print(folder())")
    assert Path(found) == installation.packages / "safelight" / "migrations"


def test_it_says_its_version(installation: Installation) -> None:
    said = subprocess.run([installation.safelight, "version"], check=True, capture_output=True, text=True).stdout
    assert said.split() == ["safelight", "0.1.0"]


def test_it_serves_api_and_page(installation: Installation, tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "SAFELIGHT_DATA_DIR": str(tmp_path / "var"), "SAFELIGHT_API__PORT": str(port)}
    subprocess.run([installation.safelight, "migrate"], check=True, cwd=tmp_path, env=environment, capture_output=True)
    with subprocess.Popen([installation.safelight, "api"], cwd=tmp_path, env=environment) as api:
        try:
            answered(f"http://127.0.0.1:{port}/healthz", api)
            page = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        finally:
            api.send_signal(signal.SIGINT)
            status = api.wait(timeout=10)
    assert page.status_code == 200
    assert page.text == (ROOT / "platform/safelight/page/index.html").read_text()
    assert status == 0, "it did not end in order"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answered(url: str, process: "subprocess.Popen[bytes]", within: float = 60.0) -> httpx.Response:
    """Polls until the process answers; a process that has ended never will."""
    deadline = time.monotonic() + within
    while True:
        assert process.poll() is None, "it ended before it answered"
        try:
            return httpx.get(url, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"no answer within {within} s"
            time.sleep(0.1)

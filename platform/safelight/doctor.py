"""`safelight doctor`: one finding for each thing that has to work, with what to do when it does not."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from safelight import wiring
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording.images import open_images
from safelight.settings import Settings
from safelight.store.database import server_time
from safelight.store.migrate import pending

_LOW_DISK_BYTES = 2 * 1024**3
_CLOCK_SKEW_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """Whether one thing works; `detail` says what was found, or what to do."""

    what: str
    ok: bool
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one after the other; nothing that fails keeps the others from being looked at."""
    for what, check in _CHECKS.items():
        try:
            yield check(settings)
        except SafelightError as refusal:
            yield Finding(what, False, refusal.message)
        except Exception as error:  # noqa: BLE001 - whatever fails is the finding
            # The type alone: a driver's message may quote an address with a password in it.
            yield Finding(what, False, f"{type(error).__name__}. {_ADVICE[what]}")


def _device(settings: Settings) -> Finding:
    # In a process of its own: torch takes seconds and hundreds of megabytes, and a broken driver may take it down.
    program = "import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'cpu')"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    name = found.stdout.strip()
    wanted = settings.engine.device
    if wanted.startswith("cuda") and name == "cpu":
        return Finding("device", False, f"engine.device is {wanted}, but torch sees no GPU. Check the driver.")
    return Finding("device", True, f"{name} (engine.device is {wanted})")


def _data(settings: Settings) -> Finding:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    probe = settings.data_dir / f".doctor-{new_id()}"
    probe.write_bytes(b"safelight")
    probe.unlink()
    free = shutil.disk_usage(settings.data_dir).free
    if free < _LOW_DISK_BYTES:
        return Finding("disk", False, f"only {free / 1e9:.1f} GB free at {settings.data_dir}. Make room.")
    return Finding("disk", True, f"{free / 1e9:.0f} GB free at {settings.data_dir}, writable")


def _database(settings: Settings) -> Finding:
    database = wiring.database(settings)
    behind = pending(database)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    if behind:
        return Finding("database", False, f"{kind} answers but is not migrated. Run 'safelight migrate'.")
    return Finding("database", True, f"{kind}, migrated")


def _clock(settings: Settings) -> Finding:
    database = wiring.database(settings)
    if database.is_sqlite:
        return Finding("clock", True, "SQLite shares this machine's")
    with database.reading() as session:
        skew = abs((server_time(session) - wiring.clock().now()).total_seconds())
    if skew > _CLOCK_SKEW_SECONDS:
        return Finding("clock", False, f"{skew:.0f} s apart from the database's. Synchronise both with NTP.")
    return Finding("clock", True, "agrees with the database's")


def _images(settings: Settings) -> Finding:
    store = open_images(settings.images_url, settings.images)
    key = f"doctor/{new_id()}"
    store.write(key, b"safelight")
    if store.read(key) != b"safelight":
        return Finding("images", False, "the image store does not give back what was written. Check images.url.")
    return Finding("images", True, "the image store keeps what is written")


def _registry(settings: Settings) -> Finding:
    generators = wiring.version_store(settings).generators()
    return Finding("mlflow", True, f"answers, {len(generators)} generators")


_CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "device": _device,
    "disk": _data,
    "database": _database,
    "clock": _clock,
    "images": _images,
    "mlflow": _registry,
}
_ADVICE = {
    "device": "torch cannot be imported or asked for its devices: install Safelight's dependencies again.",
    "disk": "data_dir cannot be written: give this user the right, or set SAFELIGHT_DATA_DIR.",
    "database": "The database does not answer: check SAFELIGHT_DATABASE__URL and that it runs.",
    "clock": "The database does not answer: check SAFELIGHT_DATABASE__URL and that it runs.",
    "images": "The image store cannot be written: check SAFELIGHT_IMAGES__URL and its keys.",
    "mlflow": "MLflow does not answer: check SAFELIGHT_REGISTRY__TRACKING_URI and that its server runs.",
}

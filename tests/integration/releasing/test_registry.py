"""What the platform keeps of the version registry."""

from pathlib import Path

import pytest

from registry.checkpoint import inspect
from registry.fakes import FolderVersionStore, write_checkpoint
from registry.refusals import CheckpointRefused
from safelight.clock import ManualClock
from safelight.releasing.registration import Registration
from safelight.store import access, versions
from safelight.store.database import Database

GENERATOR = "portraits"
MANIFEST = {
    "dtype": "float32",
    "defaults": {"steps": 8, "guidance": 3.0, "width": 64, "height": 64},
    "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 10.0, "max_prompt_length": 500},
    "golden": [{"prompt": "a red ball", "seed": 1}],
}


@pytest.fixture
def registry(tmp_path: Path, clock: ManualClock) -> FolderVersionStore:
    return FolderVersionStore(tmp_path / "registry", clock.now)


@pytest.fixture
def registration(database: Database, registry: FolderVersionStore, clock: ManualClock) -> Registration:
    return Registration(database, registry, clock)


@pytest.fixture
def two_versions(registration: Registration, tmp_path: Path) -> None:
    for seed in (1, 2):
        registration.register(GENERATOR, write_checkpoint(tmp_path / str(seed), seed=seed), MANIFEST, "ann")


def _audit(database: Database) -> list[str]:
    with database.reading() as session:
        return [line.action for line in access.audit_page(session, None, 50)]


def test_a_registered_version_is_known_with_who_did_it(database: Database, two_versions: None) -> None:
    with database.reading() as session:
        known = versions.versions(session, GENERATOR)
    assert [(version.number, version.registered_by) for version in known] == [(2, "ann"), (1, "ann")]
    assert known[0].digest == known[0].manifest.digest
    assert _audit(database) == ["version.register", "version.register"]


def test_the_same_bundle_twice_is_one_version(
    database: Database, registration: Registration, two_versions: None, tmp_path: Path
) -> None:
    again = registration.register(GENERATOR, write_checkpoint(tmp_path / "copy", seed=1), MANIFEST, "bob")
    assert (again.number, again.registered_by) == (1, "ann")
    assert len(_audit(database)) == 2


def test_a_refused_checkpoint_leaves_nothing_behind(
    database: Database, registration: Registration, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "bad")
    (folder / "unet" / "weights.bin").write_bytes(b"\x80\x04}.")
    with pytest.raises(CheckpointRefused):
        registration.register(GENERATOR, folder, MANIFEST, "ann")
    with database.reading() as session:
        assert versions.generators(session) == []


def test_a_version_registered_elsewhere_is_adopted_once(
    database: Database, registration: Registration, registry: FolderVersionStore, two_versions: None, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "elsewhere", seed=3)
    with database.reading() as session:
        manifest = versions.require_version(session, GENERATOR, 1).held
    registry.register(GENERATOR, folder, manifest.model_copy(update={"checkpoint": inspect(folder).digest}))
    assert (registration.synchronise(), registration.synchronise()) == (1, 0)
    with database.reading() as session:
        assert versions.require_version(session, GENERATOR, 3).registered_by == "registry"

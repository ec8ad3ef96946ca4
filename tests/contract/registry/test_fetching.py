"""Every version store brings a checkpoint whole, verified, or not at all."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from registry.fakes import write_checkpoint
from registry.refusals import CheckpointCode, CheckpointRefused
from registry.verified import Stamp
from registry.versions import CopyCorrupt, VersionCorrupt, VersionStore
from tests.contract.registry.conftest import manifest_of, register

pytestmark = [
    pytest.mark.timeout(300),
    # MLflow's own mappings use a loader strategy that SQLAlchemy 2.1 deprecates.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


def test_fetch_brings_every_file_and_leaves_nothing_else(store: VersionStore, generator: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "one")
    (folder / "tokenizer" / "a vocabulary-1_of+2.txt").write_text("käse")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "model.bin").write_bytes(b"not part of it")
    version = store.register(generator, folder, manifest_of(folder))
    fetched = store.fetch(version, tmp_path / "engines" / "one")
    assert fetched == tmp_path / "engines" / "one"
    assert contents(fetched) == contents(folder)
    assert list((tmp_path / "engines").iterdir()) == [fetched]


def test_fetch_to_where_the_checkpoint_lies_already(store: VersionStore, generator: str, tmp_path: Path) -> None:
    version = register(store, generator, tmp_path / "one")
    fetched = store.fetch(version, tmp_path / "engine")
    inode = fetched.stat().st_ino
    assert store.fetch(version, tmp_path / "engine").stat().st_ino == inode


def test_fetch_reads_again_what_changed_since_it_was_verified(
    store: VersionStore, generator: str, tmp_path: Path
) -> None:
    version = register(store, generator, tmp_path / "one")
    fetched = store.fetch(version, tmp_path / "engine")
    weights = fetched / "unet" / "diffusion_pytorch_model.safetensors"
    sound, times = weights.read_bytes(), weights.stat()
    overwrite(weights)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(CopyCorrupt):
        store.fetch(version, fetched, trust_unchanged=True)
    weights.write_bytes(sound)
    store.fetch(version, fetched, trust_unchanged=True)
    (weights.parent / "unet.json").write_text("{}")
    with pytest.raises(CopyCorrupt):
        store.fetch(version, fetched, trust_unchanged=True)


def test_fetch_trusts_what_seems_unchanged_only_when_asked_to(
    store: VersionStore, generator: str, tmp_path: Path
) -> None:
    version = register(store, generator, tmp_path / "one")
    fetched = store.fetch(version, tmp_path / "engine")
    rot(fetched, "unet/diffusion_pytorch_model.safetensors")
    store.fetch(version, fetched, trust_unchanged=True)
    with pytest.raises(CopyCorrupt):
        store.fetch(version, fetched)
    with pytest.raises(CopyCorrupt):
        store.fetch(version, fetched, trust_unchanged=True)


def overwrite(weights: Path) -> None:
    with weights.open("r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        opened.write(b"\xff")


def rot(folder: Path, path: str) -> None:
    """As a disk does it, where nothing about the file says so: what was noted of it is made to fit how it is now."""
    whole = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    overwrite(folder / path)
    kept = folder / ".verified"
    document = json.loads(kept.read_text())
    stamp = list(Stamp.of((folder / path).stat()))
    at = kept.stat().st_ctime_ns
    document["files"][path] = {"stamp": stamp, "sha256": whole, "at": at}
    kept.write_text(json.dumps(document))


def test_a_copy_that_cannot_be_read_is_not_called_another(
    store: VersionStore, generator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(store, generator, tmp_path / "one")
    fetched = store.fetch(version, tmp_path / "engine")

    def too_many_files(*_: object) -> None:
        raise CheckpointRefused(CheckpointCode.UNREADABLE, "too many open files")

    monkeypatch.setattr("registry.versions.inspect", too_many_files)
    with pytest.raises(VersionCorrupt, match="too many open files") as refused:
        store.fetch(version, fetched)
    assert not isinstance(refused.value, CopyCorrupt), "whoever sees that deletes the copy"


def test_fetch_onto_something_else_is_refused_and_touches_nothing(
    store: VersionStore, generator: str, tmp_path: Path
) -> None:
    version = register(store, generator, tmp_path / "one")
    other = write_checkpoint(tmp_path / "other", seed=1)
    before = contents(other)
    with pytest.raises(CopyCorrupt):
        store.fetch(version, other)
    assert contents(other) == before


def contents(folder: Path) -> dict[str, str]:
    """Of the checkpoint: names that start with a dot are not part of it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {path: sha for path, sha in named.items() if not path.startswith(".")}

"""What every version store does alike: the fake, MLflow embedded, and MLflow behind its server."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from registry.checkpoint import inspect
from registry.errors import RegistryError
from registry.external import parse_external
from registry.fakes import FolderVersionStore, write_checkpoint
from registry.manifest import Manifest, ManifestError
from registry.mlflow_store import MANIFEST_TAG, MlflowVersionStore
from registry.refusals import CheckpointRefused
from registry.versions import (
    GeneratorNameError,
    ServedElsewhere,
    Standing,
    UnknownGenerator,
    UnknownVersion,
    VersionStore,
)
from tests.contract.registry.conftest import manifest_of, register

pytestmark = [
    pytest.mark.timeout(300),
    # MLflow's own mappings use a loader strategy that SQLAlchemy 2.1 deprecates.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


def test_a_registered_version_is_what_was_given(store: VersionStore, generator: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "one")
    manifest = manifest_of(folder)
    version = store.register(generator, folder, manifest)
    assert (version.generator, version.number) == (generator, 1)
    assert version.manifest == manifest
    assert version.digest == manifest.digest
    assert version.description == "The first one.\nIt knows yellow."
    assert version.created_at.utcoffset() == timedelta(0)
    assert store.get(generator, 1) == version
    assert store.versions(generator) == (version,)
    assert generator in store.generators()


def test_numbers_count_up_and_the_newest_comes_first(store: VersionStore, generator: str, tmp_path: Path) -> None:
    registered = [register(store, generator, tmp_path / str(seed), seed=seed) for seed in range(3)]
    assert [version.number for version in registered] == [1, 2, 3]
    assert store.versions(generator) == tuple(reversed(registered))


def test_the_same_bundle_is_kept_once(store: VersionStore, generator: str, tmp_path: Path) -> None:
    first = register(store, generator, tmp_path / "one")
    copy = write_checkpoint(tmp_path / "copy")
    again = store.register(generator, copy, manifest_of(copy, description="Other words about the same bundle."))
    assert again == first
    assert store.versions(generator) == (first,)


def test_one_checkpoint_with_other_defaults_is_another_version(
    store: VersionStore, generator: str, tmp_path: Path
) -> None:
    first = register(store, generator, tmp_path / "one")
    hasty = manifest_of(tmp_path / "one", defaults={"steps": 2, "guidance": 3.0, "width": 64, "height": 64})
    second = store.register(generator, tmp_path / "one", hasty)
    assert second.number == 2
    assert second.manifest.checkpoint == first.manifest.checkpoint


def test_two_generators_share_nothing(store: VersionStore, generator: str, tmp_path: Path) -> None:
    register(store, generator, tmp_path / "one")
    other = f"{generator}.other"
    assert store.register(other, tmp_path / "one", manifest_of(tmp_path / "one")).number == 1
    assert len(store.versions(generator)) == 1


def test_the_same_bundle_from_many_at_once_is_one_version(store: VersionStore, generator: str, tmp_path: Path) -> None:
    if isinstance(store, FolderVersionStore):
        register(store, generator, tmp_path / "folder")  # for one writer only: what follows finds it kept
    folder = write_checkpoint(tmp_path / "one")
    manifest = manifest_of(folder)
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda _: store.register(generator, folder, manifest), range(4)))
    assert {version.number for version in versions} == {store.get(generator, versions[0].number).number}
    assert len(store.versions(generator)) == 1


def test_production_moves_and_moves_back(store: VersionStore, generator: str, tmp_path: Path) -> None:
    for seed in range(2):
        register(store, generator, tmp_path / str(seed), seed=seed)
    assert store.production(generator) is None
    for number in (1, 2, 2, 1):
        store.set_production(generator, number)
        assert store.production(generator) == number


def test_the_first_alias_survives_a_race(store: VersionStore, generator: str, tmp_path: Path) -> None:
    for seed in range(2):
        register(store, generator, tmp_path / str(seed), seed=seed)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.set_production(generator, number), [1, 2] * 4))
    assert store.production(generator) in {1, 2}


def test_a_generator_that_does_not_exist(store: VersionStore, generator: str) -> None:
    for ask in (
        lambda: store.get(generator, 1),
        lambda: store.versions(generator),
        lambda: store.production(generator),
        lambda: store.set_production(generator, 1),
    ):
        with pytest.raises(UnknownGenerator) as refused:
            ask()
        assert refused.value.code == "unknown_generator"
        assert generator in refused.value.message


@pytest.mark.parametrize("number", [0, -1, 2, 2**40, 10**30])
def test_a_version_that_does_not_exist(store: VersionStore, generator: str, tmp_path: Path, number: int) -> None:
    register(store, generator, tmp_path / "one")
    for ask in (lambda: store.get(generator, number), lambda: store.set_production(generator, number)):
        with pytest.raises(UnknownVersion) as refused:
            ask()
        assert refused.value.code == "unknown_version"
    assert store.production(generator) is None


@pytest.mark.parametrize("name", ["", "UPPER", "with space", "a/b", "..", "a" * 64, "naïve", "x' or name != '"])
def test_a_name_that_is_no_name(store: VersionStore, tmp_path: Path, name: str) -> None:
    folder = write_checkpoint(tmp_path / "one")
    for ask in (
        lambda: store.register(name, folder, manifest_of(folder)),
        lambda: store.get(name, 1),
        lambda: store.versions(name),
        lambda: store.production(name),
    ):
        with pytest.raises(GeneratorNameError):
            ask()


def test_what_is_refused_leaves_no_trace(store: VersionStore, generator: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "one")
    manifest = manifest_of(folder)
    lists_a_missing_adapter = manifest_of(folder, adapters=[{"name": "style", "file": "adapters/style.safetensors"}])
    refused(ManifestError, "manifest_adapter_missing", store, generator, folder, lists_a_missing_adapter)
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"")
    refused(CheckpointRefused, "checkpoint_unsafe_file", store, generator, folder, manifest)
    other = write_checkpoint(tmp_path / "other", seed=1)
    refused(ManifestError, "manifest_other_checkpoint", store, generator, other, manifest)
    with pytest.raises(UnknownGenerator):
        store.versions(generator)
    assert generator not in store.generators()


def refused(
    error: type[RegistryError], code: str, store: VersionStore, generator: str, folder: Path, manifest: Manifest
) -> None:
    with pytest.raises(error) as caught:
        store.register(generator, folder, manifest)
    assert caught.value.code == code


def test_what_is_served_elsewhere_is_kept_as_it_was_told(store: VersionStore, generator: str, tmp_path: Path) -> None:
    told = parse_external({"name": "portraits:2026-11-03", "uri": "s3://models/portraits", "description": "autumn"})
    version = store.register_external(generator, told)
    assert (version.generator, version.number, version.digest) == (generator, 1, told.digest)
    assert version.manifest == told
    assert version.description == "autumn"
    assert store.register_external(generator, told) == version
    own = register(store, generator, tmp_path / "own")
    assert own.number == 2
    assert store.versions(generator) == (own, version)
    store.set_production(generator, 1)
    assert store.production(generator) == 1


def test_what_is_served_elsewhere_is_never_fetched(store: VersionStore, generator: str, tmp_path: Path) -> None:
    version = store.register_external(generator, parse_external({"name": "portraits:2026-11-03"}))
    with pytest.raises(ServedElsewhere) as refused:
        store.fetch(version, tmp_path / "fetched")
    assert refused.value.code == "served_elsewhere"
    assert not (tmp_path / "fetched").exists()


def test_a_variant_is_another_version_of_the_same_files(store: VersionStore, generator: str, tmp_path: Path) -> None:
    parent = register(store, generator, tmp_path / "one")
    manifest = manifest_of(tmp_path / "one", dtype="bfloat16", parent=parent.digest)
    variant = store.register_variant(parent, manifest)
    assert (variant.number, variant.manifest, variant.digest) == (2, manifest, manifest.digest)
    assert store.get(generator, 2) == variant
    fetched = store.fetch(variant, tmp_path / "fetched")
    assert inspect(fetched).digest == inspect(tmp_path / "one").digest
    assert store.register_variant(parent, manifest) == variant


def test_a_variant_of_something_else_is_refused(store: VersionStore, generator: str, tmp_path: Path) -> None:
    parent = register(store, generator, tmp_path / "one")
    write_checkpoint(tmp_path / "two", seed=2)
    for wrong in (
        manifest_of(tmp_path / "one", dtype="bfloat16"),
        manifest_of(tmp_path / "one", dtype="bfloat16", parent="sha256:" + "0" * 64),
        manifest_of(tmp_path / "two", dtype="bfloat16", parent=parent.digest),
    ):
        with pytest.raises(ManifestError):
            store.register_variant(parent, wrong)
    external = store.register_external(generator, parse_external({"kind": "external", "name": "theirs"}))
    with pytest.raises(ServedElsewhere):
        store.register_variant(external, manifest_of(tmp_path / "one", parent=external.digest))
    assert [version.number for version in store.versions(generator)] == [2, 1]


def spoil(store: VersionStore, generator: str, number: int) -> None:
    """What somebody with the registry's own tools may do to a version."""
    if isinstance(store, FolderVersionStore):
        (store._root / generator / str(number) / "manifest.json").write_text("{}")
    else:
        assert isinstance(store, MlflowVersionStore)
        store._client.set_model_version_tag(generator, str(number), MANIFEST_TAG, "{}")


def delete(store: VersionStore, generator: str, number: int) -> None:
    """As MLflow does it: a version's aliases go with it."""
    if isinstance(store, FolderVersionStore):
        shutil.rmtree(store._root / generator / str(number))
        (store._root / generator / "production").unlink()
    else:
        assert isinstance(store, MlflowVersionStore)
        store._client.delete_model_version(generator, str(number))


def test_all_that_stands_is_shown_whoever_changed_it(store: VersionStore, generator: str, tmp_path: Path) -> None:
    assert store.standing(generator) == Standing(None, {})
    one, two = (register(store, generator, tmp_path / str(seed), seed=seed) for seed in (1, 2))
    assert store.standing(generator) == Standing(None, {1: one.manifest, 2: two.manifest})
    store.set_production(generator, 2)
    spoil(store, generator, 1)
    assert store.standing(generator) == Standing(2, {1: None, 2: two.manifest})
    delete(store, generator, 2)
    assert store.standing(generator) == Standing(None, {1: None})


def test_a_manifest_is_written_back(store: VersionStore, generator: str, tmp_path: Path) -> None:
    version = register(store, generator, tmp_path / "one")
    spoil(store, generator, 1)
    store.restore_manifest(generator, 1, version.manifest)
    assert store.get(generator, 1) == version
    with pytest.raises(UnknownVersion):
        store.restore_manifest(generator, 2, version.manifest)

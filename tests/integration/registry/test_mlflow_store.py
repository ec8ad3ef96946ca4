"""What can go wrong between Safelight and MLflow, with MLflow's own client playing the other hand."""

import logging
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from registry.checkpoint import inspect
from registry.errors import Kind
from registry.fakes import write_checkpoint
from registry.manifest import Manifest, parse_manifest
from registry.mlflow_store import DIGEST_TAG, MANIFEST_TAG, MlflowVersionStore
from registry.reconciling import Outcome
from registry.versions import StoreUnavailable, UnknownGenerator, UnknownVersion, Version, VersionCorrupt
from safelight.clock import ManualClock
from safelight.releasing.reconciling import Reconciler
from safelight.releasing.registration import Registration
from safelight.releasing.service import Releasing
from safelight.store import reconciling, versions
from safelight.store.database import Database

# MLflow's own mappings use a loader strategy that SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def store(home: Path) -> MlflowVersionStore:
    return MlflowVersionStore(f"sqlite:///{home}/mlflow.db", artifact_root=str(home / "artifacts"))


@pytest.fixture(scope="module")
def client(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home}/mlflow.db")


@pytest.fixture
def generator(request: pytest.FixtureRequest) -> str:
    name: str = request.node.originalname
    return name.removeprefix("test_")[:60]


@pytest.fixture
def version(store: MlflowVersionStore, generator: str, tmp_path: Path) -> Version:
    folder = write_checkpoint(tmp_path / "checkpoint")
    return store.register(generator, folder, manifest_of(folder))


def manifest_of(folder: Path) -> Manifest:
    return parse_manifest(
        {
            "checkpoint": inspect(folder).digest,
            "dtype": "float32",
            "defaults": {"steps": 10, "guidance": 3, "width": 64, "height": 64},
            "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 300},
            "golden": [{"prompt": "a cat", "seed": 1}],
        }
    )


def files_of(home: Path, version: Version) -> Path:
    run_id = version.source.split("/")[1]
    return home / "artifacts" / version.generator / run_id / "artifacts"


def test_an_embedded_store_says_where_its_files_go() -> None:
    with pytest.raises(ValueError, match="artifact_root"):
        MlflowVersionStore("sqlite:///mlflow.db")


def test_many_processes_may_open_an_empty_database_at_once(tmp_path: Path) -> None:
    program = (
        "from registry.mlflow_store import MlflowVersionStore as Store;"
        f"print(Store('sqlite:///{tmp_path}/new/mlflow.db', artifact_root='{tmp_path}').generators())"
    )
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    printed = [process.communicate() for process in processes]
    assert [out.strip() for out, _ in printed] == [b"()"] * 2, printed


def test_a_database_that_cannot_be_opened() -> None:
    with pytest.raises(StoreUnavailable) as refused:
        MlflowVersionStore("oracle://ada:secret-word@nowhere/db", artifact_root="/nowhere")
    assert "secret-word" not in str(refused.value)


def test_two_first_aliases_that_collide_are_set_again(
    store: MlflowVersionStore, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_alias = MlflowClient.set_registered_model_alias
    collisions = [MlflowException("UNIQUE constraint failed", BAD_REQUEST)] * 2

    def colliding(client: MlflowClient, *arguments: str) -> None:
        if collisions:
            raise collisions.pop()
        set_alias(client, *arguments)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", colliding)
    store.set_production(version.generator, 1)
    assert store.production(version.generator) == 1


def test_the_artifacts_alone_tell_the_whole_bundle(home: Path, version: Version) -> None:
    artifacts = files_of(home, version)
    assert parse_manifest((artifacts / "manifest.json").read_bytes()) == version.manifest
    assert inspect(artifacts / "model").digest == version.manifest.checkpoint


def test_nothing_is_written_beside_the_store(
    store: MlflowVersionStore, home: Path, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store.fetch(store.get(version.generator, 1), tmp_path / "engine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "engine"]
    expected = {"mlflow.db", "mlflow.db-shm", "mlflow.db-wal", "mlflow.db.lock", "artifacts"}
    assert {path.name for path in home.iterdir()} <= expected


def truncate(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])


def exchange(weights: Path) -> None:
    other = write_checkpoint(weights.parents[3] / "other", seed=1)
    shutil.copyfile(other / "unet" / weights.name, weights)


def plant_code(weights: Path) -> None:
    (weights.parent / "unet.py").write_text("print('loaded')")


@pytest.mark.parametrize("tamper", [truncate, exchange, plant_code, Path.unlink])
def test_files_that_were_changed_are_never_handed_out(
    store: MlflowVersionStore, home: Path, version: Version, tmp_path: Path, tamper: Callable[[Path], None]
) -> None:
    model = files_of(home, version) / "model"
    kept = shutil.copytree(model, tmp_path / "kept")
    tamper(model / "unet" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(VersionCorrupt) as refused:
        store.fetch(version, tmp_path / "engines" / "one")
    assert refused.value.kind is Kind.CORRUPT
    assert list((tmp_path / "engines").iterdir()) == []
    shutil.rmtree(model)
    shutil.move(kept, model)
    store.fetch(version, tmp_path / "engines" / "one")


def test_files_that_are_gone(store: MlflowVersionStore, home: Path, version: Version, tmp_path: Path) -> None:
    shutil.rmtree(files_of(home, version))
    with pytest.raises(VersionCorrupt, match="its files are gone"):
        store.fetch(version, tmp_path / "engine")
    assert not (tmp_path / "engine").exists()


@pytest.mark.parametrize(
    ("tag", "value"),
    [(MANIFEST_TAG, "{}"), (MANIFEST_TAG, None), (DIGEST_TAG, "sha256:" + "0" * 64)],
)
def test_a_manifest_that_was_changed_hides_no_other_version(
    store: MlflowVersionStore,
    client: MlflowClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    tag: str,
    value: str | None,
) -> None:
    generator = f"changed-{tag}-{value}"[:40].lower().replace("{}", "empty").replace(":", "-")
    for seed in range(2):
        folder = write_checkpoint(tmp_path / str(seed), seed=seed)
        store.register(generator, folder, manifest_of(folder))
    if value is None:
        client.delete_model_version_tag(generator, "1", tag)
    else:
        client.set_model_version_tag(generator, "1", tag, value)
    with pytest.raises(VersionCorrupt):
        store.get(generator, 1)
    with caplog.at_level(logging.WARNING):
        assert [version.number for version in store.versions(generator)] == [2]
    assert "Version 1" in caplog.text


def test_what_others_keep_in_the_same_mlflow_is_not_ours(
    store: MlflowVersionStore, client: MlflowClient, version: Version
) -> None:
    client.create_registered_model("somebody-elses")
    client.create_model_version("somebody-elses", source="s3://elsewhere/model")
    foreign = client.create_model_version(version.generator, source="s3://elsewhere/model")
    assert "somebody-elses" not in store.generators()
    with pytest.raises(UnknownGenerator):
        store.versions("somebody-elses")
    assert store.versions(version.generator) == (version,)
    with pytest.raises(UnknownVersion):
        store.get(version.generator, int(foreign.version))
    with pytest.raises(UnknownVersion):
        store.set_production(version.generator, int(foreign.version))


def test_a_version_that_points_at_no_run_of_ours_is_corrupt(
    store: MlflowVersionStore, client: MlflowClient, version: Version
) -> None:
    tags = {DIGEST_TAG: version.digest, MANIFEST_TAG: version.manifest.model_dump_json()}
    forged = client.create_model_version(version.generator, source="s3://elsewhere/model", tags=tags)
    with pytest.raises(VersionCorrupt, match="does not point at a run"):
        store.get(version.generator, int(forged.version))


def test_an_alias_moved_by_somebody_else_is_seen(
    store: MlflowVersionStore, client: MlflowClient, version: Version
) -> None:
    store.set_production(version.generator, 1)
    foreign = client.create_model_version(version.generator, source="s3://elsewhere/model")
    client.set_registered_model_alias(version.generator, "production", foreign.version)
    assert store.production(version.generator) == int(foreign.version)
    client.delete_registered_model_alias(version.generator, "production")
    assert store.production(version.generator) is None


def test_a_deleted_version_takes_the_alias_with_it(
    store: MlflowVersionStore, client: MlflowClient, version: Version, tmp_path: Path
) -> None:
    second = write_checkpoint(tmp_path / "second", seed=1)
    store.register(version.generator, second, manifest_of(second))
    store.set_production(version.generator, 1)
    client.delete_model_version(version.generator, "1")
    assert store.production(version.generator) is None
    with pytest.raises(UnknownVersion):
        store.fetch(version, tmp_path / "engine")


def test_an_upload_that_breaks_off_leaves_no_version(
    store: MlflowVersionStore, client: MlflowClient, generator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_text", broken)
        with pytest.raises(StoreUnavailable, match="No space left"):
            store.register(generator, folder, manifest_of(folder))
    experiment = client.get_experiment_by_name(f"safelight/{generator}")
    assert experiment is not None
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FAILED"]
    with pytest.raises(UnknownGenerator):
        store.versions(generator)
    assert store.register(generator, folder, manifest_of(folder)).number == 1


def test_a_server_that_is_away_is_said_soon_and_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    with socket.socket() as taken:  # bound and not listening: whoever connects is refused
        taken.bind(("127.0.0.1", 0))
        store = MlflowVersionStore(f"http://ada:secret-word@127.0.0.1:{taken.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as refused:
            store.generators()
    assert time.monotonic() - began < 30
    assert refused.value.code == "version_store_unavailable"
    assert refused.value.kind is Kind.UNAVAILABLE
    chain = f"{refused.value} {refused.value.__cause__}"
    assert "secret-word" not in chain
    assert refused.value.__suppress_context__


class _Leads:
    def held(self) -> bool:
        return True


def test_what_mlflows_own_client_edits_is_noticed_and_put_back(
    store: MlflowVersionStore, client: MlflowClient, generator: str, migrated_sqlite: Path, tmp_path: Path
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "safelight.db")
    database, clock = (
        Database(f"sqlite:///{tmp_path / 'safelight.db'}"),
        ManualClock(datetime(2026, 11, 22, tzinfo=UTC)),
    )
    releasing = Releasing(clock)
    for number in (1, 2, 3):
        Registration(database, store, clock).register_external(generator, {"name": f"portraits:{number}"}, "ann")
    with database.transaction() as session:
        releasing.promote(session, generator=generator, version=1, expected_serving=None, actor="ann", reason="")
    reconciler = Reconciler(database, store, releasing, _Leads(), clock)
    assert (reconciler.run_once(), store.production(generator)) == (0, 1)

    client.set_registered_model_alias(generator, "production", "2")
    client.delete_model_version_tag(generator, "1", DIGEST_TAG)
    client.set_model_version_tag(generator, "2", MANIFEST_TAG, "{}")
    client.delete_model_version(generator, "3")
    assert reconciler.run_once() == 4
    assert reconciler.run_once() == 0
    assert store.production(generator) == 1
    assert [version.number for version in store.versions(generator)] == [2, 1]
    client.delete_registered_model_alias(generator, "production")
    assert (reconciler.run_once(), store.production(generator)) == (1, 1)
    assert reconciler.run_once() == 0
    with database.reading() as session:
        found = {(each.edit.change.value, each.outcome) for each in reconciling.page(session, generator, None, 9)}
        assert versions.numbers(session, generator) == {1, 2}
    database.dispose()
    assert found == {
        ("alias_moved", Outcome.PUT_BACK),
        ("alias_deleted", Outcome.PUT_BACK),
        ("manifest_changed", Outcome.PUT_BACK),
        ("version_deleted", Outcome.WITHDRAWN),
    }

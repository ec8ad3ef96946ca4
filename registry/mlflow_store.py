"""Versions in MLflow's model registry, embedded (a database URI) or behind its server (http); every call blocks.

A version is a run that holds the checkpoint's files, and a model version that points at the run and carries the
manifest in a tag: one call lists them all. The alias ``production`` is a projection of the release ledger; MLflow moves
it without comparing, so the last writer wins.
"""

import fcntl
import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

# MLflow reads these from the environment alone. It would report each use to its makers, fill the log of a service with
# progress bars and with news of each table it makes, and hold a caller for minutes while a server is away. Whoever sets
# them otherwise is obeyed.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from registry.checkpoint import FileEntry, Reading
from registry.digests import canonical_json
from registry.errors import RegistryError
from registry.external import AnyManifest, ExternalManifest, parse_any
from registry.manifest import Manifest, ManifestError
from registry.versions import (
    Standing,
    StoreUnavailable,
    UnknownGenerator,
    UnknownVersion,
    Version,
    VersionCorrupt,
    check_generator_name,
    check_variant,
    fetch_verified,
    inspect_bundle,
)

ALIAS: Final = "production"
DIGEST_TAG: Final = "safelight.digest"
MANIFEST_TAG: Final = "safelight.manifest"

_FOLDER = "model"
_SQLITE = "sqlite:///"
_SOURCE = re.compile(rf"runs:/[^/]+/{_FOLDER}")
_MAX_NUMBER = 2**31 - 1  # the column's
_ALIAS_TRIES = 5

log = logging.getLogger(__name__)


class MlflowVersionStore:
    """The version store on MLflow; see registry.versions.VersionStore for the contract.

    ``artifact_root`` is where an embedded store keeps checkpoints (a URI or an absolute path); a server has its own.
    An embedded store opens its database at once, and creates the tables of an empty one. Raises StoreUnavailable.
    """

    def __init__(self, tracking_uri: str, *, registry_uri: str | None = None, artifact_root: str | None = None) -> None:
        if artifact_root is None and not tracking_uri.startswith("http"):
            # MLflow would write into the working directory of whichever process came first.
            raise ValueError("an embedded MLflow store needs an artifact_root")
        with _alone(tracking_uri):
            self._client = _opened(tracking_uri, registry_uri)
        self._artifact_root = artifact_root

    def register(self, generator: str, folder: Path, manifest: Manifest) -> Version:
        checkpoint = inspect_bundle(generator, folder, manifest)
        return self._keep(generator, manifest, folder, checkpoint.files)

    def register_variant(self, parent: Version, manifest: Manifest) -> Version:
        check_variant(parent, manifest)
        _, run_id, _ = parent.source.split("/")
        kept = self._with_digest(parent.generator, manifest.digest)
        return kept or self._create(parent.generator, manifest, run_id)

    def register_external(self, generator: str, manifest: ExternalManifest) -> Version:
        check_generator_name(generator)
        return self._keep(generator, manifest)

    def _keep(
        self, generator: str, manifest: AnyManifest, folder: Path = Path(), files: Sequence[FileEntry] = ()
    ) -> Version:
        kept = self._with_digest(generator, manifest.digest)
        if kept is not None:
            return kept
        with _asking():
            run_id = self._log(generator, folder, files, manifest)
            self._ensure_model(generator)
        return self._create(generator, manifest, run_id)

    def _create(self, generator: str, manifest: AnyManifest, run_id: str) -> Version:
        """A version whose files are those of a run."""
        with _asking():
            created = self._client.create_model_version(
                generator,
                source=f"runs:/{run_id}/{_FOLDER}",
                run_id=run_id,
                description=manifest.description,
                tags={DIGEST_TAG: manifest.digest, MANIFEST_TAG: _text(manifest)},
                await_creation_for=0,
            )
            version = self._with_digest(generator, manifest.digest) or _version(created)
            if version.number != int(created.version):
                # Somebody registered the same bundle meanwhile. The lower number stays, on both sides.
                self._client.delete_model_version(generator, created.version)
        return version

    def get(self, generator: str, number: int) -> Version:
        check_generator_name(generator)
        if not 1 <= number <= _MAX_NUMBER:
            raise self._absent(generator, number)
        try:
            with _asking():
                found = self._client.get_model_version(generator, str(number))
        except _Missing:
            raise self._absent(generator, number) from None
        if DIGEST_TAG not in found.tags:
            raise self._absent(generator, number)
        return _version(found)

    def versions(self, generator: str) -> tuple[Version, ...]:
        check_generator_name(generator)
        found = self._search(f"name = '{generator}'")
        if not found:
            raise UnknownGenerator(generator)
        return tuple(_sound(sorted(found, key=lambda version: -int(version.version))))

    def generators(self) -> tuple[str, ...]:
        return tuple(sorted({version.name for version in self._search(f"tags.`{DIGEST_TAG}` LIKE 'sha256:%'")}))

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path:
        _, run_id, folder = self.get(version.generator, version.number).source.split("/")

        def download(staging: Path) -> Path:
            try:
                with _asking():
                    return Path(self._client.download_artifacts(run_id, folder, str(staging)))
            except _Missing:
                raise VersionCorrupt(version.generator, version.number, "its files are gone") from None

        return fetch_verified(version, destination, download, reading, trust_unchanged=trust_unchanged)

    def production(self, generator: str) -> int | None:
        check_generator_name(generator)
        try:
            with _asking():
                return int(self._client.get_model_version_by_alias(generator, ALIAS).version)
        except _Missing:
            self.versions(generator)
            return None

    def set_production(self, generator: str, number: int) -> None:
        self.get(generator, number)
        for tries_left in reversed(range(_ALIAS_TRIES)):
            try:
                with _asking():
                    self._client.set_registered_model_alias(generator, ALIAS, str(number))
                return
            except _Collided:
                # Two writers that both create the alias for the first time collide on its key; later moves do not.
                if not tries_left:
                    raise

    def standing(self, generator: str) -> Standing:
        check_generator_name(generator)
        try:
            with _asking():
                alias = self._client.get_registered_model(generator).aliases.get(ALIAS)
        except _Missing:
            return Standing(None, {})
        found = self._all(f"name = '{generator}'")
        return Standing(None if alias is None else int(alias), {int(each.version): _manifest(each) for each in found})

    def restore_manifest(self, generator: str, number: int, manifest: AnyManifest) -> None:
        try:
            with _asking():
                for tag, value in ((MANIFEST_TAG, _text(manifest)), (DIGEST_TAG, manifest.digest)):
                    self._client.set_model_version_tag(generator, str(number), tag, value)
        except _Missing:
            raise UnknownVersion(generator, number) from None

    def _log(self, generator: str, folder: Path, files: Sequence[FileEntry], manifest: AnyManifest) -> str:
        """Keep exactly the files that were inspected, and return the run that holds them."""
        run_id: str = self._client.create_run(self._experiment(generator)).info.run_id
        try:
            for file in files:
                target = PurePosixPath(_FOLDER, file.path).parent
                self._client.log_artifact(run_id, str(folder / file.path), str(target))
            # For whoever has nothing but the artifacts: the store itself reads the tag.
            self._client.log_text(run_id, _text(manifest), "manifest.json")
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id)
        return run_id

    def _experiment(self, generator: str) -> str:
        name = f"safelight/{generator}"
        root = f"{self._artifact_root.rstrip('/')}/{generator}" if self._artifact_root else None
        for _ in range(2):
            found = self._client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            with suppress(_Exists), _asking():
                return self._client.create_experiment(name, artifact_location=root)
        raise StoreUnavailable(f"experiment {name} neither exists nor can be made")

    def _ensure_model(self, generator: str) -> None:
        with suppress(_Exists), _asking():
            self._client.create_registered_model(generator)

    def _with_digest(self, generator: str, digest: str) -> Version | None:
        """The lowest number that carries this bundle."""
        found = self._search(f"name = '{generator}' and tags.`{DIGEST_TAG}` = '{digest}'")
        return min(_sound(found), key=lambda version: version.number, default=None)

    def _search(self, filter_string: str) -> list[ModelVersion]:
        """Every version of ours that matches; what others keep in the same MLflow carries no digest and no run."""
        return [version for version in self._all(filter_string) if DIGEST_TAG in version.tags]

    def _all(self, filter_string: str) -> list[ModelVersion]:
        found: list[ModelVersion] = []
        token: str | None = None
        while True:
            with _asking():
                page = self._client.search_model_versions(filter_string, page_token=token)
            found.extend(page)
            token = page.token
            if not token:
                return found

    def _absent(self, generator: str, number: int) -> RegistryError:
        known = self._search(f"name = '{generator}'")
        return UnknownVersion(generator, number) if known else UnknownGenerator(generator)


class _Missing(StoreUnavailable):
    """MLflow does not have what was asked for."""


class _Exists(StoreUnavailable):
    """MLflow has already what was to be made."""


class _Collided(StoreUnavailable):
    """The database refused a row, most likely because another writer was quicker."""


# MLflow answers INVALID_PARAMETER_VALUE for an alias that is not set.
_ANSWERS: Final[dict[str, type[StoreUnavailable]]] = {
    "RESOURCE_DOES_NOT_EXIST": _Missing,
    "INVALID_PARAMETER_VALUE": _Missing,
    "RESOURCE_ALREADY_EXISTS": _Exists,
    "BAD_REQUEST": _Collided,
}


@contextmanager
def _alone(tracking_uri: str) -> Iterator[None]:
    """Two processes that create the tables of one SQLite file break each other's work: one waits."""
    if not tracking_uri.startswith(_SQLITE):
        yield
        return
    database = Path(tracking_uri.removeprefix(_SQLITE).partition("?")[0])
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _opened(tracking_uri: str, registry_uri: str | None) -> MlflowClient:
    try:
        return MlflowClient(tracking_uri, registry_uri)
    except Exception as error:  # noqa: BLE001 each database's driver has errors of its own
        raise StoreUnavailable(_without_credentials(error)) from None


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except MlflowException as error:
        answer = _ANSWERS.get(error.error_code, StoreUnavailable)
        cause = f"{error.error_code}: {_without_credentials(error)}"
    except OSError as error:  # what requests raises, too
        answer, cause = StoreUnavailable, _without_credentials(error)
    else:
        return
    # The original would carry an address with its password into tracebacks.
    raise answer(cause) from None


def _without_credentials(error: Exception) -> str:
    first_line = str(error).partition("\n")[0]
    return re.sub(r"//[^/@\s]*@", "//", first_line)[:300]


def _text(manifest: AnyManifest) -> str:
    return canonical_json(manifest.model_dump(mode="json")).decode()


def _version(found: ModelVersion) -> Version:
    number = int(found.version)
    try:
        manifest = parse_any(found.tags.get(MANIFEST_TAG, ""))
    except ManifestError as error:
        raise VersionCorrupt(found.name, number, "its manifest cannot be read") from error
    if manifest.digest != found.tags[DIGEST_TAG]:
        raise VersionCorrupt(found.name, number, "its manifest is not of its digest")
    if not _SOURCE.fullmatch(found.source or ""):
        raise VersionCorrupt(found.name, number, "it does not point at a run's files")
    return Version(
        generator=found.name,
        number=number,
        digest=manifest.digest,
        manifest=manifest,
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        source=str(found.source),
    )


def _manifest(found: ModelVersion) -> AnyManifest | None:
    """None where the version no longer says, in one voice, what it is."""
    try:
        return _version(found).manifest if DIGEST_TAG in found.tags else None
    except VersionCorrupt:
        return None


def _sound(found: Iterable[ModelVersion]) -> Iterator[Version]:
    """One version that was tampered with must not hide the others: a rollback may need them."""
    for version in found:
        try:
            yield _version(version)
        except VersionCorrupt as error:
            log.warning("%s", error)

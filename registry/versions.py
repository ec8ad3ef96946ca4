"""Versions of a generator, and what a store of them must do."""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from registry.checkpoint import Checkpoint, Reading, inspect
from registry.errors import Kind, RegistryError
from registry.external import AnyManifest, ExternalManifest
from registry.manifest import Manifest, ManifestCode, ManifestError
from registry.refusals import CheckpointCode, CheckpointRefused
from registry.tensors import tensor_names
from registry.verified import remembering

_GENERATOR_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class VersionCode(StrEnum):
    GENERATOR_NAME_INVALID = "generator_name_invalid"
    UNKNOWN_GENERATOR = "unknown_generator"
    UNKNOWN_VERSION = "unknown_version"
    VERSION_CORRUPT = "version_corrupt"
    SERVED_ELSEWHERE = "served_elsewhere"
    STORE_UNAVAILABLE = "version_store_unavailable"


class GeneratorNameError(RegistryError):
    kind: ClassVar[Kind] = Kind.INVALID


class UnknownGenerator(RegistryError):
    kind: ClassVar[Kind] = Kind.NOT_FOUND

    def __init__(self, generator: str) -> None:
        super().__init__(
            VersionCode.UNKNOWN_GENERATOR,
            f"There is no generator {generator!r}. Register a first version of it, or look at the list of generators.",
        )


class UnknownVersion(RegistryError):
    kind: ClassVar[Kind] = Kind.NOT_FOUND

    def __init__(self, generator: str, number: int) -> None:
        super().__init__(
            VersionCode.UNKNOWN_VERSION,
            f"Generator {generator!r} has no version {number}. Look at its list of versions and name one of those.",
        )


class VersionCorrupt(RegistryError):
    kind: ClassVar[Kind] = Kind.CORRUPT
    remedy: ClassVar[str] = "register the checkpoint again as a new version"

    def __init__(self, generator: str, number: int, found: str) -> None:
        super().__init__(
            VersionCode.VERSION_CORRUPT,
            f"Version {number} of {generator!r} is not what was registered: {found}. "
            f"Nothing is served from it; {self.remedy}.",
        )


class CopyCorrupt(VersionCorrupt):
    """What lies on this machine was read and is something else; what the store holds may be sound."""

    remedy: ClassVar[str] = "delete that folder of pulled checkpoints, and it is fetched again"


class ServedElsewhere(RegistryError):
    kind: ClassVar[Kind] = Kind.CONFLICT

    def __init__(self, generator: str, number: int) -> None:
        super().__init__(
            VersionCode.SERVED_ELSEWHERE,
            f"Version {number} of {generator!r} is served by somebody else's service: no checkpoint of it is held here "
            "to make images with. Ask that service, or register the checkpoint itself.",
        )


class StoreUnavailable(RegistryError):
    kind: ClassVar[Kind] = Kind.UNAVAILABLE

    def __init__(self, cause: str) -> None:
        super().__init__(
            VersionCode.STORE_UNAVAILABLE,
            f"The version store did not answer ({cause}). Check that it runs and is reachable, then try again.",
        )


@dataclass(frozen=True)
class Version:
    """One immutable bundle of a generator. ``digest`` is its manifest's; numbers start at 1, none is used twice."""

    generator: str
    number: int
    digest: str
    manifest: AnyManifest
    created_at: datetime
    source: str
    """Where the store keeps the checkpoint, in the store's own words; for MLflow ``runs:/<run id>/model``.

    Of a version that is served elsewhere: where it keeps what it was told of it.
    """

    @property
    def description(self) -> str:
        return self.manifest.description


@dataclass(frozen=True)
class Standing:
    """What a store shows of one generator at a moment, whoever put it there."""

    production: int | None
    """The version that carries the alias ``production``."""
    manifests: Mapping[int, AnyManifest | None]
    """By number; None where it cannot be read, or is not of the digest that the version was registered under."""


class VersionStore(Protocol):
    """Keeps versions. All calls block. Any of them may raise StoreUnavailable."""

    def register(self, generator: str, folder: Path, manifest: Manifest) -> Version:
        """Inspect the checkpoint in ``folder`` and keep it under the next number.

        A bundle registered before is not kept twice: its version is returned as it stands.
        Raises CheckpointRefused, ManifestError (the manifest speaks of another checkpoint), GeneratorNameError.
        """
        ...

    def register_variant(self, parent: Version, manifest: Manifest) -> Version:
        """Keep a bundle of ``parent``'s checkpoint under the next number, without another copy of its files.

        A bundle registered before is not kept twice. Raises ManifestError, ServedElsewhere.
        """
        ...

    def register_external(self, generator: str, manifest: ExternalManifest) -> Version:
        """Keep what is told of a version that somebody else's service serves; the same facts twice are one version.

        Raises GeneratorNameError.
        """
        ...

    def get(self, generator: str, number: int) -> Version:
        """Raises UnknownGenerator, UnknownVersion, VersionCorrupt (its manifest was changed)."""
        ...

    def versions(self, generator: str) -> tuple[Version, ...]:
        """All versions, the newest first. Raises UnknownGenerator."""
        ...

    def generators(self) -> tuple[str, ...]:
        """The names of all generators, sorted."""
        ...

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path:
        """Bring the checkpoint to ``destination`` (a folder that this call makes) and verify it against its digest.

        ``reading`` is told how far the verification has come. With ``trust_unchanged``, files that were verified there
        and have not changed since (registry.verified) are not read again.
        A destination that already holds exactly this checkpoint is returned as it stands.
        Raises UnknownVersion, ServedElsewhere, VersionCorrupt, CopyCorrupt (the destination holds something else).
        """
        ...

    def production(self, generator: str) -> int | None:
        """The version that carries the alias ``production``. Raises UnknownGenerator."""
        ...

    def set_production(self, generator: str, number: int) -> None:
        """Move the alias ``production``. The last writer wins. Raises UnknownGenerator, UnknownVersion."""
        ...

    def standing(self, generator: str) -> Standing:
        """All that stands there now, broken or not; nothing at all of a generator that is not there."""
        ...

    def restore_manifest(self, generator: str, number: int, manifest: AnyManifest) -> None:
        """Write back what a version was registered with, over whatever stands there now. Raises UnknownVersion."""
        ...


def require_held(generator: str, number: int, manifest: AnyManifest) -> Manifest:
    """The manifest of a version whose checkpoint is held here. Raises ServedElsewhere."""
    if isinstance(manifest, ExternalManifest):
        raise ServedElsewhere(generator, number)
    return manifest


def check_generator_name(name: str) -> None:
    """Raises GeneratorNameError for a name that a URL, a folder or MLflow would have to escape."""
    if not _GENERATOR_NAME.fullmatch(name):
        raise GeneratorNameError(
            VersionCode.GENERATOR_NAME_INVALID,
            "A generator's name has 1 to 63 lower-case letters, digits, dots, dashes and underscores, "
            f"and starts with a letter or a digit. {name[:80]!r} does not.",
        )


def inspect_bundle(generator: str, folder: Path, manifest: Manifest) -> Checkpoint:
    """What every store checks before it keeps anything. Raises as VersionStore.register does."""
    check_generator_name(generator)
    checkpoint = inspect(folder)
    if manifest.checkpoint != checkpoint.digest:
        raise ManifestError(
            ManifestCode.OTHER_CHECKPOINT,
            f"The manifest is of checkpoint {manifest.checkpoint}, the folder holds {checkpoint.digest}. "
            "Write the manifest with the digest of the folder that you register.",
        )
    held = {file.path for file in checkpoint.files}
    for adapter in manifest.adapters:
        if adapter.file not in held:
            raise ManifestError(
                ManifestCode.ADAPTER_MISSING,
                f"The manifest lists adapter {adapter.name!r} as {adapter.file!r}, which the folder does not hold. "
                "Put the file into the folder, or take the adapter out of the manifest.",
            )
        # Every tool that trains such weights writes this into their names.
        if not any("lora" in name for name in tensor_names(folder / adapter.file)):
            raise ManifestError(
                ManifestCode.ADAPTER_INVALID,
                f"{adapter.file!r} holds no low-rank weights, which is what an adapter is made of. "
                "Name the file that the training of the adapter wrote.",
            )
    for golden in manifest.golden:
        if golden.image is not None and golden.image not in held:
            raise ManifestError(
                ManifestCode.GOLDEN_MISSING,
                f"The manifest's golden image {golden.image!r} is not in the folder. Put it there, or leave it out.",
            )
    return checkpoint


def check_variant(parent: Version, manifest: Manifest) -> None:
    """What every store checks before it keeps a variant. Raises ServedElsewhere, ManifestError."""
    own = require_held(parent.generator, parent.number, parent.manifest)
    if manifest.checkpoint != own.checkpoint or manifest.parent != own.digest:
        raise ManifestError(
            ManifestCode.OTHER_CHECKPOINT,
            f"A variant is of its parent's checkpoint: version {parent.number} is bundle {own.digest} of "
            f"{own.checkpoint}, the manifest names {manifest.parent} and {manifest.checkpoint}.",
        )


def fetch_verified(
    version: Version,
    destination: Path,
    download: Callable[[Path], Path],
    reading: Reading | None = None,
    *,
    trust_unchanged: bool = False,
) -> Path:
    """Let ``download`` fill an empty folder and return where the checkpoint lies in it; verify; then move it in place.

    Nothing unverified ever stands at ``destination``, also when the process dies halfway. Raises ServedElsewhere.
    """
    expected = require_held(version.generator, version.number, version.manifest).checkpoint
    if destination.exists():
        _verify(version, destination, expected, reading, trust_unchanged=trust_unchanged, otherwise=CopyCorrupt)
        return destination
    destination.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    try:
        checkpoint = download(staging)
        _verify(version, checkpoint, expected, reading, trust_unchanged=False, otherwise=VersionCorrupt)
        checkpoint.rename(destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return destination


def _verify(
    version: Version,
    folder: Path,
    expected: str,
    reading: Reading | None,
    *,
    trust_unchanged: bool,
    otherwise: type[VersionCorrupt],
) -> None:
    """Raises `otherwise` for a folder that is something else, VersionCorrupt for one that cannot be read."""
    with remembering(folder, trust_unchanged=trust_unchanged) as memory:
        try:
            found = inspect(folder, reading, memory).digest
        except CheckpointRefused as refusal:
            # What could not be read may be whole: nobody is to delete it for that.
            error = VersionCorrupt if refusal.code == CheckpointCode.UNREADABLE else otherwise
            raise error(version.generator, version.number, f"{folder.name}: {refusal.message}") from refusal
        if found != expected:
            raise otherwise(version.generator, version.number, f"{folder.name} holds {found}, not {expected}")

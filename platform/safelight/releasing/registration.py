"""Registering a checkpoint: from a folder to a version that can be promoted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from registry.assembling import AdapterFile, assembled, completed
from registry.checkpoint import inspect
from registry.external import parse_external
from registry.manifest import parse_manifest
from registry.variants import VariantChanges, variant_of
from registry.versions import Version, VersionStore, require_held
from safelight.clock import Clock
from safelight.rounds import Turns
from safelight.store import access, checkpoints, versions
from safelight.store.database import Database
from safelight.store.versions import KnownVersion


class Registration:
    """Puts versions into the registry, and into the platform's own tables."""

    def __init__(self, database: Database, store: VersionStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._turns = Turns("registry", clock)

    def register(
        self,
        generator: str,
        folder: Path,
        manifest: Mapping[str, object],
        actor: str,
        adapters: Sequence[AdapterFile] = (),
        images: Mapping[str, bytes] | None = None,
    ) -> KnownVersion:
        """Inspect the checkpoint in `folder` and keep it as a version; a bundle known already is returned as it stands.

        `manifest` is the version's manifest without `checkpoint`, which is the digest of what lies in the folder.
        `adapters` lie elsewhere; they are put beside it, and into the manifest after those that it lists. `images` are
        the golden ones that the manifest names, by their paths in the folder.
        Raises CheckpointRefused, ManifestError, GeneratorNameError, StoreUnavailable.
        """
        with assembled(folder, adapters, images) as whole:
            checkpoint = inspect(whole)
            complete = parse_manifest(completed(checkpoint, manifest, adapters))
            version = self._store.register(generator, whole, complete)
        with self._database.transaction() as session:
            checkpoints.record(session, checkpoint.digest, checkpoint.files, self._clock.now())
        return self._adopt(version, actor)

    def register_variant(self, generator: str, number: int, changes: VariantChanges, actor: str) -> KnownVersion:
        """Keep a version of the same checkpoint that is loaded or run otherwise; told twice, it is one version.

        Raises UnknownVersion, ServedElsewhere, ManifestError, StoreUnavailable.
        """
        parent = self._store.get(generator, number)
        own = require_held(generator, number, parent.manifest)
        return self._adopt(self._store.register_variant(parent, variant_of(own, changes)), actor)

    def register_external(self, generator: str, manifest: Mapping[str, object], actor: str) -> KnownVersion:
        """Keep what is told of a version that somebody else's service serves (see registry.external).

        Told twice, it is one version. Raises ManifestError, GeneratorNameError, StoreUnavailable.
        """
        return self._adopt(self._store.register_external(generator, parse_external(manifest)), actor)

    def synchronise(self) -> int:
        """Adopt versions that were registered by somebody else, straight into MLflow. Returns how many were new."""
        return self._turns.take(self._store.generators(), self._adopt_news)

    def _adopt_news(self, generator: str) -> int:
        with self._database.reading() as session:
            known = versions.numbers(session, generator)
        news = [version for version in self._store.versions(generator) if version.number not in known]
        for version in news:
            self._adopt(version, "registry")
        return len(news)

    def _adopt(self, version: Version, actor: str) -> KnownVersion:
        known = _known(version, actor)
        now = self._clock.now()
        with self._database.transaction() as session:
            versions.add_generator(session, version.generator, "", now)
            if versions.put_version(session, known):
                target = f"{version.generator} {version.number}"
                access.record_audit(session, now, actor, "version.register", target, version.description)
            return versions.require_version(session, version.generator, version.number)


def _known(version: Version, actor: str) -> KnownVersion:
    return KnownVersion(
        generator=version.generator,
        number=version.number,
        digest=version.digest,
        manifest=version.manifest,
        description=version.description,
        registered_at=version.created_at,
        registered_by=actor,
    )

"""Generators and versions as the platform knows them; their home is the version registry."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.external import KIND, AnyManifest, ExternalManifest, parse_any
from registry.manifest import Manifest
from registry.versions import require_held
from safelight.errors import not_found
from safelight.store.tables.releases import Generator, VersionRow


@dataclass(frozen=True)
class KnownGenerator:
    """A named text-to-image product."""

    name: str
    description: str
    created_at: datetime


@dataclass(frozen=True)
class KnownVersion:
    """A registered version."""

    generator: str
    number: int
    digest: str
    manifest: AnyManifest
    description: str
    registered_at: datetime
    registered_by: str
    gone_at: datetime | None = None
    """Since when the registry no longer has it: it is not offered for a release any more."""

    @property
    def external(self) -> bool:
        """Whether somebody else's service serves it: then no engine of ours ever holds it."""
        return isinstance(self.manifest, ExternalManifest)

    @property
    def held(self) -> Manifest:
        """The manifest of a version whose checkpoint is held here. Raises ServedElsewhere."""
        return require_held(self.generator, self.number, self.manifest)


_GENERATORS = select(Generator).order_by(Generator.name)  # made once: every gateway asks all the time


def generators(session: Session) -> list[KnownGenerator]:
    return [KnownGenerator(row.name, row.description, row.created_at) for row in session.scalars(_GENERATORS)]


def require_generator(session: Session, name: str) -> KnownGenerator:
    """Raises `generator_not_found`."""
    row = session.get(Generator, name)
    if row is None:
        raise not_found("generator", name)
    return KnownGenerator(row.name, row.description, row.created_at)


def add_generator(session: Session, name: str, description: str, now: datetime) -> bool:
    """Whether the generator is new."""
    if session.get(Generator, name) is not None:
        return False
    session.add(Generator(name=name, description=description, created_at=now))
    session.flush()
    return True


def versions(session: Session, generator: str) -> list[KnownVersion]:
    """The newest first."""
    query = select(VersionRow).where(VersionRow.generator == generator).order_by(VersionRow.number.desc())
    return [_version(row) for row in session.scalars(query)]


def numbers(session: Session, generator: str) -> frozenset[int]:
    """Which versions are registered, and not gone since."""
    query = select(VersionRow.number).where(VersionRow.generator == generator, VersionRow.gone_at.is_(None))
    return frozenset(session.scalars(query))


def gone_since(session: Session, generator: str) -> dict[int, datetime | None]:
    """Every version that was ever registered, and since when it is gone; None for one that is not."""
    query = select(VersionRow.number, VersionRow.gone_at).where(VersionRow.generator == generator)
    return {row.number: row.gone_at for row in session.execute(query)}


def number_of(session: Session, generator: str, digest: str) -> int | None:
    """The version that is a bundle; None when it is not registered here."""
    return session.scalar(
        select(VersionRow.number).where(VersionRow.generator == generator, VersionRow.digest == digest)
    )


def external(session: Session, generator: str) -> frozenset[int]:
    """Which versions somebody else's service serves."""
    kind = VersionRow.manifest["kind"].as_string()
    return frozenset(session.scalars(select(VersionRow.number).where(VersionRow.generator == generator, kind == KIND)))


def find_version(session: Session, generator: str, number: int) -> KnownVersion | None:
    row = session.get(VersionRow, (generator, number))
    return _version(row) if row else None


def require_version(session: Session, generator: str, number: int) -> KnownVersion:
    """Raises `version_not_found`."""
    found = find_version(session, generator, number)
    if found is None:
        raise not_found("version", f"{number} of {generator}")
    return found


def put_version(session: Session, version: KnownVersion) -> bool:
    """Whether the version is new. One that is known already is left as it stands: versions are immutable."""
    if session.get(VersionRow, (version.generator, version.number)) is not None:
        return False
    session.add(
        VersionRow(
            generator=version.generator,
            number=version.number,
            digest=version.digest,
            manifest=version.manifest.model_dump(mode="json"),
            description=version.description,
            registered_at=version.registered_at,
            registered_by=version.registered_by,
        )
    )
    session.flush()
    return True


def set_gone(session: Session, generator: str, number: int, since: datetime | None) -> None:
    """Note that the registry has lost a version; with None that it has it again."""
    session.execute(
        update(VersionRow).where(VersionRow.generator == generator, VersionRow.number == number).values(gone_at=since)
    )


def _version(row: VersionRow) -> KnownVersion:
    return KnownVersion(
        generator=row.generator,
        number=row.number,
        digest=row.digest,
        manifest=parse_any(row.manifest),
        description=row.description,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        gone_at=row.gone_at,
    )

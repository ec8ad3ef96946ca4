"""Versions."""

from pathlib import Path

from fastapi import APIRouter

from registry.assembling import AdapterFile
from registry.ledger import Entry, EntryKind
from registry.manifest import Manifest
from registry.rules import known_good, quarantined, serving
from registry.variants import VariantChanges
from safelight.api.auth import Admin, Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.page import Items
from safelight.api.schemas.releases import NewExternalVersion, NewVersion, Version
from safelight.comparing.variants import VariantReport
from safelight.errors import not_found
from safelight.releasing.service import ALIVE
from safelight.store import baselines, chains, engines, variant_reports, versions
from safelight.store.database import Session
from safelight.store.versions import KnownVersion

router = APIRouter(prefix="/api/v1/versions", tags=["versions"], route_class=IdempotentRoute)


@router.get("")
def list_versions(generator: str, platform: PlatformDep, _reader: Reader) -> Items[Version]:
    """All versions of a generator, the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return Items(items=_documents(session, platform, generator, versions.versions(session, generator)))


@router.get("/{generator}/{number}")
def get_version(generator: str, number: int, platform: PlatformDep, _reader: Reader) -> Version:
    with platform.database.reading() as session:
        known = versions.require_version(session, generator, number)
        return _documents(session, platform, generator, [known])[0]


# Admins only: the server reads the folder with its own rights.
@router.post("", status_code=201)
def register(new: NewVersion, platform: PlatformDep, admin: Admin) -> Version:
    """Register a checkpoint: inspected, digested and kept in MLflow. The same bundle twice is one version."""
    adapters = [AdapterFile(name=each.name, file=Path(each.file), scale=each.scale) for each in new.adapters]
    known = platform.registration.register(new.generator, Path(new.folder), new.manifest, admin.name, adapters)
    with platform.database.reading() as session:
        return _documents(session, platform, new.generator, [known])[0]


@router.post("/{generator}/{number}/variants", status_code=201)
def register_variant(
    generator: str, number: int, changes: VariantChanges, platform: PlatformDep, operator: Operator
) -> Version:
    """Register a version of the same checkpoint that is loaded or run otherwise. The same variant twice is one version.

    It is tried, promoted and rolled back like any other; `parent` names the version it is a variant of.
    """
    known = platform.registration.register_variant(generator, number, changes, operator.name)
    with platform.database.reading() as session:
        return _documents(session, platform, generator, [known])[0]


@router.get("/{generator}/{number}/variant-report")
def get_variant_report(generator: str, number: int, platform: PlatformDep, _reader: Reader) -> VariantReport:
    """A variant beside its parent: speed, memory, and quality on the same prompts and seeds, as last measured.

    Measured by `safelight variant report` on the machine that is to serve it.
    """
    with platform.database.reading() as session:
        versions.require_version(session, generator, number)
        document = variant_reports.newest(session, generator, number)
    if document is None:
        raise not_found("variant_report", f"{generator} {number}")
    return VariantReport.model_validate(document)


@router.post("/external", status_code=201)
def register_external(new: NewExternalVersion, platform: PlatformDep, operator: Operator) -> Version:
    """Register a version that your own service serves, without its checkpoint. The same facts twice are one version.

    A promote or a rollback to it is an entry of the ledger that says what your service serves: nothing is loaded here.
    """
    known = platform.registration.register_external(new.generator, new.manifest, operator.name)
    with platform.database.reading() as session:
        return _documents(session, platform, new.generator, [known])[0]


def _documents(session: Session, platform: Platform, generator: str, known: list[KnownVersion]) -> list[Version]:
    chain = chains.decisive(session, generator)
    warm = engines.ready_versions(session, generator, platform.clock.now() - ALIVE)
    references = [baseline.version for baseline in baselines.of_generator(session, generator)]
    documents = []
    for version in known:
        manifest = version.manifest
        descent = manifest.parent if isinstance(manifest, Manifest) else None
        parent = versions.number_of(session, generator, descent) if descent else None
        documents.append(_document(version, chain, warm, references.count(version.number), parent))
    return documents


def _document(
    version: KnownVersion, chain: list[Entry], warm: frozenset[int], references: int, parent: int | None
) -> Version:
    left = any(entry.kind is EntryKind.ROLLBACK and entry.from_version == version.number for entry in chain)
    accepted = version.number in known_good(chain)
    return Version(
        generator=version.generator,
        number=version.number,
        digest=version.digest,
        description=version.description,
        manifest=version.manifest.model_dump(mode="json"),
        registered_at=version.registered_at,
        registered_by=version.registered_by,
        gone_at=version.gone_at,
        external=version.external,
        serving=serving(chain) == version.number,
        accepted=accepted,
        rolled_back=left and not accepted,
        quarantined=version.number in quarantined(chain),
        warm=version.number in warm,
        baselines=references,
        parent=parent,
    )

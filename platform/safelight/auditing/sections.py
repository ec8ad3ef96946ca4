"""Which records a pack of evidence holds. Another kind of records is another function and a line in `SECTIONS`."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from registry.gates.result import Gate, Outcome
from registry.manifest import Provenance
from safelight.auditing.records import Period, Record, Section, plain
from safelight.ids import first_id_at
from safelight.responding import runbooks
from safelight.store import (
    access,
    baselines,
    canaries,
    chains,
    drills,
    gates,
    guard,
    incidents,
    judgements,
    monitors,
    provenances,
    releases,
    verdicts,
    verifications,
    versions,
)
from safelight.store.alarms import by_monitor
from safelight.store.database import Database, Session
from safelight.store.releases import KnownRelease
from safelight.store.versions import KnownVersion
from safelight.watching.inquiry import Inquiry
from safelight.watching.lenses import LensCache

_PIECE = 200
_VERIFYING = frozenset({Gate.INTEGRITY, Gate.LOADABLE, Gate.PAIRED_PROBES, Gate.VARIANT})
_ABOUT_ALL = ("guard.", "key.", "channel.", "erasure.")


class _Identified(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=_Identified)


def _ledger(database: Database, period: Period) -> Iterator[Record]:
    """And the entry that was in force when the period began."""
    with database.reading() as session:
        scopes = [scope for _, scope in chains.known(session, period.generator)]
    for scope in scopes:
        before: int | None = None
        while True:
            with database.reading() as session:
                piece = chains.page(session, period.generator, before, _PIECE, scope)
            for entry in piece:
                if entry.at >= period.until:
                    continue
                change = f"version {entry.from_version or '-'} to {entry.to_version}"
                title = f"Entry {entry.seq}: {entry.kind}, {change}, by {entry.actor}"
                yield Record(f"{scope}-{entry.seq}", title, entry.at, plain(entry))
                if entry.at < period.since and entry.kind != "accept":
                    break
            else:
                if len(piece) == _PIECE:
                    before = piece[-1].seq
                    continue
            break


def _releases(database: Database, period: Period) -> Iterator[Record]:
    for session, release in _released(database, period):
        canary = canaries.find(session, release.id)
        document = plain(release) | {
            "steps": plain(releases.steps(session, release.id)),
            "canary": plain(canary) if canary else None,
            "verification": plain(verifications.find(session, release.id)),
        }
        yield Record(str(release.id), _named(release), release.created_at, document)


def _gates(database: Database, period: Period) -> Iterator[Record]:
    for session, release in _released(database, period):
        for gate in gates.results(session, release.id):
            title = f"{_said(gate.gate)}: {_said(gate.outcome).lower()}. {_named(release)}"
            document = plain(gate) | {"release_id": str(release.id), "version": release.to_version}
            # What a claim may ask for: that it was shown to work, or what this very gate has measured.
            verified = gate.gate in _VERIFYING and gate.outcome is Outcome.PASSED
            document |= {"verified": verified, gate.gate.value: document["figures"]}
            yield Record(f"{release.id}-{gate.gate}", title, gate.judged_at, document)


def _overrides(database: Database, period: Period) -> Iterator[Record]:
    for session, release in _released(database, period):
        override = gates.override(session, release.id)
        if override is not None:
            document = plain(override) | {"release_id": str(release.id)}
            yield Record(str(release.id), f"By {override.by}: {_named(release)}", override.at, document)


def _approvals(database: Database, period: Period) -> Iterator[Record]:
    with database.reading() as session:
        for number in sorted(versions.numbers(session, period.generator), reverse=True):
            for approval in gates.approvals(session, period.generator, number):
                title = f"Version {number}, by {approval.by}"
                yield Record(f"{number}-{approval.by}", title, None, plain(approval) | {"version": number})


def _model_cards(database: Database, period: Period) -> Iterator[Record]:
    """Every version there is; `missing` names what nobody has told of it."""
    with database.reading() as session:
        for known in versions.versions(session, period.generator):
            if known.registered_at < period.until:
                provenance, by, at = _told(session, known, period)
                told = {
                    "description": known.description or known.manifest.description,
                    "licence": provenance and provenance.licence,
                    "data sets": provenance and provenance.datasets,
                    "intended use": provenance and provenance.intended_use,
                    "known limits": provenance and provenance.known_limits,
                }
                missing = [name for name, value in told.items() if not value]
                without = f", without {' and '.join(missing)}" if missing else ""
                title = f"Version {known.number}{without}"
                said = {"provenance": plain(provenance), "told_by": by, "told_at": plain(at)}
                yield Record(str(known.number), title, known.registered_at, plain(known) | said | {"missing": missing})


def _provenance(database: Database, period: Period) -> Iterator[Record]:
    with database.reading() as session:
        for known in versions.versions(session, period.generator):
            provenance, by, at = _told(session, known, period)
            if provenance is not None and known.registered_at < period.until:
                sets = ", ".join(each.name for each in provenance.datasets) or "no data set named"
                title = f"Version {known.number}: {provenance.licence}; {sets}"
                said = {"digest": known.digest, "told_by": by, "told_at": plain(at)}
                yield Record(str(known.number), title, at, plain(provenance) | said)


def _told(session: Session, known: KnownVersion, period: Period) -> tuple[Provenance | None, str, datetime]:
    """A version's provenance as it was told last, by whom and when: beside its manifest, or in it."""
    told = provenances.newest(session, known.generator, known.number)
    if told is not None and told.told_at < period.until:
        return told.provenance, told.told_by, told.told_at
    return known.manifest.provenance, known.registered_by, known.registered_at


def _monitors(database: Database, period: Period) -> Iterator[Record]:
    with database.reading() as session:
        inquiry = Inquiry.into(session, period.generator, period.watching, LensCache())
        accounts = inquiry.accounts(session, period.until)
        raised = by_monitor(session, period.generator, period.since)
        for monitor in monitors.all_of(session, period.generator):
            account = accounts.get(monitor.name)
            document = plain(monitor) | {
                "budget": plain(account.spending) if account else None,
                "alarms": plain(raised[monitor.name]._asdict()) if monitor.name in raised else None,
                "answers": verdicts.counts(session, period.generator, monitor.name, period.since, period.until),
                "runbook": plain(runbooks.find(session, period.generator, monitor.name)),
            }
            state = "" if monitor.enabled else ", switched off"
            yield Record(monitor.name, f"{_said(monitor.name)}{state}", None, document)


def _incidents(database: Database, period: Period) -> Iterator[Record]:
    def piece(session: Session, before: UUID | None) -> list[incidents.KnownIncident]:
        return incidents.lasting(session, period.generator, period.since, period.until, before, _PIECE)

    for session, incident in _pieces(database, piece):
        verdict = verdicts.get(session, incident.verdict_id) if incident.verdict_id is not None else None
        document = plain(incident) | {
            "timeline": plain(incidents.timeline(session, incident.id)),
            "verdict": plain(verdict) if verdict else None,
        }
        title = f"{incident.title}: {incident.state}, {incident.severity}"
        yield Record(str(incident.id), title, incident.opened_at, document)


def _judgements(database: Database, period: Period) -> Iterator[Record]:
    def piece(session: Session, before: UUID | None) -> list[incidents.KnownIncident]:
        return incidents.lasting(session, period.generator, period.since, period.until, before, _PIECE)

    for session, incident in _pieces(database, piece):
        for given in judgements.of_incident(session, incident.id):
            title = f"{given.judgement.capitalize()}, says {given.actor}: {incident.title}"
            yield Record(f"{incident.id}-{given.actor}", title, given.at, plain(given))


def _drills(database: Database, period: Period) -> Iterator[Record]:
    def piece(session: Session, before: UUID | None) -> list[drills.KnownDrill]:
        found = drills.page(session, period.generator, before or first_id_at(period.until), _PIECE)
        return [each for each in found if each.ordered_at >= period.since]

    for _, drill in _pieces(database, piece):
        title = f"Version {drill.version}: {_said(drill.state).lower()}"
        yield Record(str(drill.id), title, drill.ordered_at, plain(drill) | {"told": drill.state in drills.TOLD})


def _policies(database: Database, period: Period) -> Iterator[Record]:
    """As they are now; the audit log says how they came to be so."""
    with database.reading() as session:
        mode = incidents.policy(session, period.generator)
        response = {"mode": mode.value, "automatic_rollbacks_an_hour": guard.most_per_hour(session, period.generator)}
        yield Record("response", f"What is done about an incident: {mode}", None, response)
        gating = gates.policy(session, period.generator)
        title = f"What a promote has to show, set by {gating.updated_by or 'nobody: what holds always'}"
        yield Record("gates", title, gating.updated_at, plain(gating))
        stop = guard.stopped(session)
        said = f"stopped by {stop.stopped_by}" if stop else "not stopped"
        yield Record("guard", f"Automatic responses are {said}", None, plain(stop) if stop else {"stopped": False})


def _baselines(database: Database, period: Period) -> Iterator[Record]:
    with database.reading() as session:
        for each in baselines.of_generator(session, period.generator):
            if each.created_at < period.until:
                title = f"{each.name} of version {each.version}, over {each.n} generations"
                yield Record(str(each.id), title, each.created_at, plain(each))


def _audit(database: Database, period: Period) -> Iterator[Record]:
    """Lines about the generator, and those that are about all of them."""

    def piece(session: Session, before: UUID | None) -> list[access.Audit]:
        found = access.audit_page(session, before or first_id_at(period.until), _PIECE)
        return [each for each in found if each.at >= period.since]

    for _, each in _pieces(database, piece):
        if period.generator in each.target.split() or each.action.startswith(_ABOUT_ALL):
            yield Record(str(each.id), f"{each.actor}: {each.action} {each.target}", each.at, plain(each))


def _released(database: Database, period: Period) -> Iterator[tuple[Session, KnownRelease]]:
    def piece(session: Session, before: UUID | None) -> list[KnownRelease]:
        found = releases.page(session, period.generator, before or first_id_at(period.until), _PIECE)
        return [each for each in found if each.created_at >= period.since]

    return _pieces(database, piece)


def _pieces(database: Database, piece: Callable[[Session, UUID | None], list[Row]]) -> Iterator[tuple[Session, Row]]:
    """Row by row, each with a transaction that lasts until the next row is asked for."""
    before: UUID | None = None
    while True:
        with database.reading() as session:
            rows = piece(session, before)
            for row in rows:
                yield session, row
        if len(rows) < _PIECE:
            return
        before = rows[-1].id


def _said(code: str) -> str:
    return code.replace("_", " ").capitalize()


def _named(release: KnownRelease) -> str:
    return f"{release.kind.capitalize()} to version {release.to_version} by {release.actor}, {release.state}"


SECTIONS = (
    Section(
        "ledger", "Ledger", "What should serve, since when, by whom and why, each entry sealed by the next.", _ledger
    ),
    Section("releases", "Releases", "Every change of what serves, step by step, with its canary.", _releases),
    Section("gates", "Gates", "What each gate said of a release, and on what figures.", _gates),
    Section("approvals", "Approvals", "Who said that a version may serve.", _approvals),
    Section("overrides", "Overrides", "Who took responsibility for a release that failed a gate.", _overrides),
    Section("model_cards", "Model cards", "What is told of each version, and what is not.", _model_cards),
    Section("provenance", "Provenance", "Licences, data sets and scans of the weights.", _provenance),
    Section("monitors", "Monitors", "What is asked of what serves, its budget and its answers.", _monitors),
    Section("baselines", "Baselines", "What is called usual.", _baselines),
    Section("incidents", "Incidents", "What fired, who had it, and what came of it.", _incidents),
    Section("judgements", "Feedback on alarms", "Whether alarms were right, as people say.", _judgements),
    Section("drills", "Drills", "Whether the way back was shown to work.", _drills),
    Section("policies", "Policies", "What may be done, and what has to be shown first.", _policies),
    Section("audit", "Audit log", "Who did what.", _audit),
)

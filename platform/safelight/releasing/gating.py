"""Asking the gates of a version: what is known of it is gathered, and what has to be made is ordered."""

from dataclasses import replace
from datetime import datetime, timedelta

from registry.gates.evidence import Engine, Evidence, Loading, NotPaired, Paired, Unpaired, Variant
from registry.gates.judging import judge
from registry.gates.policy import GatePolicy, ProbeTerms
from registry.gates.result import Decision, Gate, GateResult, decide, overridden
from safelight.clock import Clock
from safelight.store import engines, gates, ledger, probe_sets, probes, provenances, variant_reports, versions
from safelight.store.database import Session
from safelight.store.probe_sets import KnownProbeSet
from safelight.store.probes import KnownRun, NewRun, Purpose
from safelight.store.releases import KnownRelease
from safelight.store.versions import KnownVersion

PAIRS_HOLD = timedelta(days=1)
"""For this long a comparison with what serves is not made again: a version cannot try until it is lucky."""
PROBES_WITHIN = timedelta(hours=1)
_SCORES_WITHIN = timedelta(minutes=5)
"""More than is waited for the scores of a run that was made."""
_BEING_MADE = "Probes of it and of what serves are being made."
_TO_COME = "Probes of it and of what serves are made once an engine holds it."


class Gating:
    """Every method runs in the caller's transaction."""

    def __init__(self, clock: Clock, alive: timedelta) -> None:
        """`alive` is for how long an engine that says nothing is taken to live."""
        self._clock = clock
        self._alive = alive

    def check(self, session: Session, generator: str, version: int, promoter: str) -> tuple[GateResult, ...]:
        """What the gates would say of a promote by `promoter` now. Orders nothing and changes nothing.

        Raises SafelightError `version_not_found`.
        """
        known = gates.policy(session, generator).policy
        return judge(self._evidence(session, generator, version, promoter, known, self._clock.now()), known)

    def ask(self, session: Session, release: KnownRelease) -> tuple[Decision, tuple[GateResult, ...]]:
        """What becomes of a promote, by all that is known now; kept with the release.

        Probes that the policy asks for are ordered once the version is loaded and nothing else keeps it back.
        """
        known = gates.policy(session, release.generator).policy
        override = gates.override(session, release.id) is not None
        asked = release.generator, release.to_version, release.actor
        found = self._evidence(session, *asked, known, release.created_at)
        results = judge(found, known)
        decision = decide(results, override=override)
        if known.paired_probes is not None and decision is Decision.WAIT and _are_due(found):
            _order(session, release, known.paired_probes, self._clock.now())
            results = judge(replace(found, paired=Unpaired(NotPaired.UNDER_WAY, _BEING_MADE)), known)
        passed_over = {each.gate for each in overridden(results)} if override else set[Gate]()
        gates.put_results(session, release.id, results, passed_over, self._clock.now())
        return decision, results

    def _evidence(
        self, session: Session, generator: str, number: int, promoter: str, known: GatePolicy, since: datetime
    ) -> Evidence:
        """`since` is from when on engines and probes that failed count: what failed before is tried again."""
        version = versions.require_version(session, generator, number)
        now, told = self._clock.now(), provenances.newest(session, generator, number)
        return Evidence(
            external=version.external,
            engine=_engine(session, version, since, now - self._alive),
            quarantined=ledger.quarantined(session, generator, number),
            provenance=told.provenance if told else version.manifest.provenance,
            paired=_paired(session, version, known.paired_probes or ProbeTerms(), since, now),
            variant=_variant(session, version),
            author=version.registered_by,
            promoter=promoter,
            approvals=gates.approvals(session, generator, number),
        )


def _are_due(found: Evidence) -> bool:
    return (
        found.engine.loading is Loading.READY
        and isinstance(found.paired, Unpaired)
        and found.paired.why is NotPaired.NOT_YET
    )


def _engine(session: Session, version: KnownVersion, since: datetime, alive_since: datetime) -> Engine:
    if version.number in engines.ready_versions(session, version.generator, alive_since):
        return Engine(Loading.READY)
    failed = engines.last_failed(session, version.generator, version.number, since)
    if failed is None:
        return Engine(Loading.UNTRIED)
    # Its process is started only once its files were pulled and verified.
    return Engine(Loading.REFUSED if failed.pid is None else Loading.FAILED, failed.detail)


def _paired(
    session: Session, version: KnownVersion, terms: ProbeTerms, since: datetime, now: datetime
) -> Paired | Unpaired:
    entry = ledger.newest_release(session, version.generator)
    if entry is None or entry.to_version == version.number:
        return Unpaired(NotPaired.NOTHING_SERVES, "Nothing else serves that it could be compared with.")
    serving = versions.require_version(session, version.generator, entry.to_version)
    if version.external or serving.external:
        return Unpaired(NotPaired.NOT_MADE, "No engine of ours holds both it and what serves: nothing can be probed.")
    chosen = probe_sets.find(session, version.generator, terms.probe_set)
    if chosen is None:
        return Unpaired(NotPaired.NOT_MADE, f"There is no probe set {terms.probe_set!r}.")
    run = probes.newest_paired(session, version.generator, version.number, serving.number, chosen.id, now - PAIRS_HOLD)
    if run is None or run.places != _places(chosen, terms):
        return Unpaired(NotPaired.NOT_YET, _TO_COME)
    return _of_run(session, run, since, now)


def _of_run(session: Session, run: KnownRun, since: datetime, now: datetime) -> Paired | Unpaired:
    document = run.result.get("paired")
    if document is not None:
        return Paired.from_dict(document)
    if run.open and now <= run.expires_at + _SCORES_WITHIN:
        return Unpaired(NotPaired.UNDER_WAY, _BEING_MADE)
    if run.ordered_at < since:
        return Unpaired(NotPaired.NOT_YET, _TO_COME)
    beside = probes.get(session, run.reference_id) if run.reference_id else run
    why = run.detail or beside.detail or "Nobody judged them in time: does a worker run?"
    return Unpaired(NotPaired.NOT_MADE, f"Probes of it and of what serves were not finished. {why}")


def _order(session: Session, release: KnownRelease, terms: ProbeTerms, now: datetime) -> None:
    """Of what serves and of the version, at the same time: what troubles the machine troubles both."""
    chosen = probe_sets.require(session, release.generator, terms.probe_set)
    serving = ledger.newest_release(session, release.generator)
    if serving is None:
        return
    beside = NewRun(
        generator=release.generator,
        version=serving.to_version,
        set_id=chosen.id,
        purpose=Purpose.GATE,
        places=_places(chosen, terms),
        expires_at=now + PROBES_WITHIN,
        ordered_by=release.actor,
    )
    reference = probes.order(session, beside, now)
    new = replace(beside, version=release.to_version, against=serving.to_version, reference_id=reference.id)
    probes.order(session, new, now)


def _places(chosen: KnownProbeSet, terms: ProbeTerms) -> tuple[int, ...]:
    return tuple(range(len(chosen.probes)))[: terms.pairs]


def _variant(session: Session, version: KnownVersion) -> Variant | None:
    if version.external or version.held.parent is None:
        return None
    parent = versions.number_of(session, version.generator, version.held.parent)
    report = variant_reports.newest(session, version.generator, version.number)
    if report is None:
        return Variant(parent)
    trial = report["trial"]
    said = {"not_worse": True, "worse": False}
    return Variant(parent, said.get(trial["conclusion"]), trial["statement"])

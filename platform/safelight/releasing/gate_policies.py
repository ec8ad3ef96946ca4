"""What people give to gates: a generator's policy, an approval, and what a version was made of."""

from datetime import datetime

from monitors.vendi import FEWEST
from registry.gates.policy import GatePolicy, GatePolicyInvalid, ProbeTerms
from registry.manifest import Provenance
from safelight.errors import Kind, SafelightError
from safelight.store import access, gates, probe_sets, provenances, versions
from safelight.store.database import Session


def put(session: Session, generator: str, policy: GatePolicy, *, actor: str, now: datetime) -> None:
    """From now on the generator's versions have to pass this. Releases under way are held to it too.

    Raises SafelightError `generator_not_found`; GatePolicyInvalid where it asks for what could never be shown.
    """
    versions.require_generator(session, generator)
    if policy.paired_probes is not None:
        _check_probes(session, generator, policy.paired_probes)
    gates.put_policy(session, generator, policy, actor, now)
    access.record_audit(session, now, actor, "gates.set", generator, policy.model_dump_json(exclude_defaults=True))


def approve(session: Session, generator: str, version: int, *, by: str, note: str, now: datetime) -> None:
    """Say that `by` has looked at a version and takes it.

    Raises SafelightError `version_not_found`, and `own_version` for who registered it.
    """
    known = versions.require_version(session, generator, version)
    if known.registered_by == by:
        raise SafelightError(
            Kind.CONFLICT,
            "own_version",
            f"Version {version} of {generator} was registered by {by}. Ask somebody else to approve of it.",
        )
    gates.approve(session, generator, version, by, note, now)
    access.record_audit(session, now, by, "version.approve", f"{generator} {version}", note)


def tell_provenance(
    session: Session, generator: str, version: int, provenance: Provenance, *, by: str, now: datetime
) -> None:
    """Say what a version was made of, in the place of what its manifest says or does not.

    Raises SafelightError `version_not_found`.
    """
    versions.require_version(session, generator, version)
    provenances.tell(session, generator, version, provenance, by, now)
    access.record_audit(session, now, by, "version.provenance", f"{generator} {version}", provenance.model_dump_json())


def _check_probes(session: Session, generator: str, terms: ProbeTerms) -> None:
    chosen = probe_sets.find(session, generator, terms.probe_set)
    if chosen is None:
        raise GatePolicyInvalid(f"paired_probes.probe_set: there is no probe set {terms.probe_set!r} of {generator}")
    made = min(len(chosen.probes), terms.pairs or len(chosen.probes))
    if terms.margins.diversity is not None and made < FEWEST:
        raise GatePolicyInvalid(
            f"paired_probes.margins.diversity: {made} probes are too few to tell how diverse images are; name a set of "
            f"{FEWEST} or more, or leave this margin out"
        )

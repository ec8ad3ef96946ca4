"""All gates of a version under a policy."""

from collections.abc import Iterator
from dataclasses import replace

from registry.gates.evidence import Evidence
from registry.gates.people import approval, variant
from registry.gates.policy import GatePolicy, ProbeTerms, ProvenanceTerms
from registry.gates.probes import paired_probes
from registry.gates.provenance import provenance
from registry.gates.result import ALWAYS_REQUIRED, Gate, GateResult, Outcome
from registry.gates.structure import integrity, loadable, quarantine

_SAYS_SOMETHING = frozenset({Outcome.PASSED, Outcome.FAILED})


def judge(evidence: Evidence, policy: GatePolicy) -> tuple[GateResult, ...]:
    """Every gate that is required, and of the others those whose evidence is at hand: in the order of `Gate`."""
    required = _required(policy)
    judged = (replace(each, required=each.gate in required) for each in _judged(evidence, policy))
    return tuple(each for each in judged if each.required or each.outcome in _SAYS_SOMETHING)


def _required(policy: GatePolicy) -> frozenset[Gate]:
    asked = {
        Gate.PROVENANCE: policy.provenance is not None,
        Gate.PAIRED_PROBES: policy.paired_probes is not None,
        Gate.VARIANT: policy.variant,
        Gate.APPROVAL: policy.approvals > 0,
    }
    return ALWAYS_REQUIRED | {gate for gate, wanted in asked.items() if wanted}


def _judged(evidence: Evidence, policy: GatePolicy) -> Iterator[GateResult]:
    yield integrity(evidence)
    yield loadable(evidence)
    yield quarantine(evidence)
    yield provenance(evidence, policy.provenance or ProvenanceTerms())
    yield paired_probes(evidence, policy.paired_probes or ProbeTerms())
    yield variant(evidence)
    yield approval(evidence, max(policy.approvals, 1))

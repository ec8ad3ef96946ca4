"""What a gate says, and what all of them together make of a promote."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue


class Gate(StrEnum):
    INTEGRITY = "integrity"
    """Its files are safetensors and have the digest that they were registered with."""
    LOADABLE = "loadable"
    """An engine has loaded it, and it passed its golden check."""
    QUARANTINE = "quarantine"
    """Production was not taken away from it because of an incident."""
    PROVENANCE = "provenance"
    """Its manifest says what it was made of, and what for."""
    PAIRED_PROBES = "paired_probes"
    """On the same prompts and seeds it is not worse than what serves."""
    VARIANT = "variant"
    """A variant was measured beside its parent and is not worse."""
    APPROVAL = "approval"
    """Somebody else than its author approves of it."""


ALWAYS_REQUIRED = frozenset({Gate.INTEGRITY, Gate.LOADABLE, Gate.QUARANTINE})
NEVER_OVERRIDDEN = frozenset({Gate.INTEGRITY, Gate.LOADABLE})
"""What cannot be loaded, or is not what was registered, cannot serve whoever wants it."""


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    MISSING = "missing"
    """There is no evidence, or too little to tell. It is not taken for good."""
    PENDING = "pending"
    """The evidence is being made."""
    NOT_APPLICABLE = "not_applicable"


BLOCKING = frozenset({Outcome.FAILED, Outcome.MISSING})


class Reason(StrEnum):
    """Why a gate says what it says."""

    FILES_VERIFIED = "files_verified"
    FILES_REFUSED = "files_refused"
    LOADED = "loaded"
    LOADING = "loading"
    LOADING_FAILED = "loading_failed"
    SERVED_ELSEWHERE = "served_elsewhere"
    NOT_QUARANTINED = "not_quarantined"
    QUARANTINED = "quarantined"
    PROVENANCE_COMPLETE = "provenance_complete"
    PROVENANCE_INCOMPLETE = "provenance_incomplete"
    LICENCE_NOT_ALLOWED = "licence_not_allowed"
    CONTAMINATED = "contaminated"
    TOO_MANY_DUPLICATES = "too_many_duplicates"
    NOTHING_SERVES = "nothing_serves"
    PROBES_TO_COME = "probes_to_come"
    PROBES_UNDER_WAY = "probes_under_way"
    PROBES_NOT_MADE = "probes_not_made"
    NOT_WORSE = "not_worse"
    WORSE = "worse"
    CANNOT_TELL = "cannot_tell"
    NO_VARIANT = "no_variant"
    NOT_MEASURED = "not_measured"
    APPROVED = "approved"
    NOT_APPROVED = "not_approved"


@dataclass(frozen=True)
class GateResult:
    """One gate's answer. `summary` is a sentence for people, `figures` what it rests on."""

    gate: Gate
    outcome: Outcome
    reason: Reason
    summary: str
    required: bool = False
    figures: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        return self.required and self.outcome in BLOCKING


class Decision(StrEnum):
    PASS = "pass"  # noqa: S105 - not a password
    WAIT = "wait"
    REFUSE = "refuse"


def decide(results: Iterable[GateResult], *, override: bool) -> Decision:
    """What becomes of a promote. An override passes what failed, and waits for nothing but the engine."""
    counted = [each for each in results if each.required and not (override and each.gate not in NEVER_OVERRIDDEN)]
    if any(each.blocks for each in counted):
        return Decision.REFUSE
    return Decision.WAIT if any(each.outcome is Outcome.PENDING for each in counted) else Decision.PASS


def overridden(results: Iterable[GateResult]) -> tuple[GateResult, ...]:
    """What a promote by override has not shown: the required gates that failed, or that it did not wait for."""
    return tuple(
        each
        for each in results
        if each.required
        and each.gate not in NEVER_OVERRIDDEN
        and (each.outcome in BLOCKING or each.outcome is Outcome.PENDING)
    )


def refusal(results: Iterable[GateResult]) -> str:
    """Each blocking gate with its reason, in a sentence for the release's last step."""
    return " ".join(f"Gate {each.gate}: {each.summary}" for each in results if each.blocks)

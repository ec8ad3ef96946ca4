"""The gates that rest on what people did: measured a variant beside its parent, or approved of a version."""

from pydantic import JsonValue

from registry.gates.evidence import Approval, Evidence
from registry.gates.result import Gate, GateResult, Outcome, Reason


def variant(evidence: Evidence) -> GateResult:
    """A version that was made to cost less may not draw worse than the one it was made from."""
    measured = evidence.variant
    if measured is None:
        return GateResult(Gate.VARIANT, Outcome.NOT_APPLICABLE, Reason.NO_VARIANT, "It is no variant of a version.")
    if measured.statement is None:
        summary = "It is a variant, and was not measured beside its parent (`safelight variant report`)."
        return GateResult(Gate.VARIANT, Outcome.MISSING, Reason.NOT_MEASURED, summary)
    outcome, reason = {
        True: (Outcome.PASSED, Reason.NOT_WORSE),
        False: (Outcome.FAILED, Reason.WORSE),
        None: (Outcome.MISSING, Reason.CANNOT_TELL),
    }[measured.not_worse]
    figures = {"parent": measured.parent}
    return GateResult(Gate.VARIANT, outcome, reason, measured.statement, figures=figures)


def approval(evidence: Evidence, needed: int) -> GateResult:
    """By others than who registered it and who promotes it, and later than the last time production left it."""
    counted = sorted({each.by for each in evidence.approvals if _counts(each, evidence)})
    figures: dict[str, JsonValue] = {"needed": needed, "by": [*counted]}
    if len(counted) >= needed:
        who = ", ".join(counted)
        summary = f"Approved by {who}." if who else "No approval is asked for."
        return GateResult(Gate.APPROVAL, Outcome.PASSED, Reason.APPROVED, summary, figures=figures)
    summary = (
        f"{len(counted)} of {needed} approvals. They come from others than who registered the version "
        f"({evidence.author}) and who promotes it."
    )
    return GateResult(Gate.APPROVAL, Outcome.MISSING, Reason.NOT_APPROVED, summary, figures=figures)


def _counts(given: Approval, evidence: Evidence) -> bool:
    outdated = evidence.quarantined is not None and given.at <= evidence.quarantined.at
    return given.by not in (evidence.author, evidence.promoter) and not outdated

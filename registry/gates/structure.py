"""The gates that no policy can lift: the version is whole, it loads, and it is not quarantined."""

from registry.gates.evidence import Evidence, Loading
from registry.gates.result import Gate, GateResult, Outcome, Reason


def integrity(evidence: Evidence) -> GateResult:
    """Safetensors only, and the digest it was registered with: an engine's host verifies both when it pulls them."""
    if evidence.external:
        return _elsewhere(Gate.INTEGRITY)
    match evidence.engine.loading:
        case Loading.UNTRIED:
            summary = "Its files are verified when an engine's host pulls them."
            return GateResult(Gate.INTEGRITY, Outcome.PENDING, Reason.LOADING, summary)
        case Loading.REFUSED:
            summary = f"Its files were not taken: {evidence.engine.detail}"
            return GateResult(Gate.INTEGRITY, Outcome.FAILED, Reason.FILES_REFUSED, summary)
        case Loading.FAILED | Loading.READY:
            summary = "Its files are safetensors and have the digest they were registered with."
            return GateResult(Gate.INTEGRITY, Outcome.PASSED, Reason.FILES_VERIFIED, summary)


def loadable(evidence: Evidence) -> GateResult:
    """An engine has it ready, which it is only after its golden prompts gave what they should."""
    if evidence.external:
        return _elsewhere(Gate.LOADABLE)
    match evidence.engine.loading:
        case Loading.UNTRIED:
            summary = "An engine loads it and draws its golden prompts when it is promoted."
            return GateResult(Gate.LOADABLE, Outcome.PENDING, Reason.LOADING, summary)
        case Loading.REFUSED | Loading.FAILED:
            summary = f"It could not be loaded and checked: {evidence.engine.detail}"
            return GateResult(Gate.LOADABLE, Outcome.FAILED, Reason.LOADING_FAILED, summary)
        case Loading.READY:
            summary = "An engine holds it, and its golden prompts gave what they should."
            return GateResult(Gate.LOADABLE, Outcome.PASSED, Reason.LOADED, summary)


def quarantine(evidence: Evidence) -> GateResult:
    """Whatever has caused an incident stays out until somebody who may do so takes responsibility."""
    rollback = evidence.quarantined
    if rollback is None:
        summary = "Production was not taken away from it because of an incident."
        return GateResult(Gate.QUARANTINE, Outcome.PASSED, Reason.NOT_QUARANTINED, summary)
    summary = (
        f"It is in quarantine since {rollback.at:%Y-%m-%d %H:%M} UTC, when {rollback.actor} went back from it because "
        "of an incident, and it was not accepted since."
    )
    figures = {"ledger_seq": rollback.seq, "incident_id": rollback.incident_id}
    return GateResult(Gate.QUARANTINE, Outcome.FAILED, Reason.QUARANTINED, summary, figures=figures)


def _elsewhere(gate: Gate) -> GateResult:
    summary = "Somebody else's service serves it: nothing of it is held here to be looked at."
    return GateResult(gate, Outcome.NOT_APPLICABLE, Reason.SERVED_ELSEWHERE, summary)

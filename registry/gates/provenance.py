"""The gate that asks what a version was made of, and what for."""

from registry.gates.evidence import Evidence
from registry.gates.policy import ProvenanceTerms
from registry.gates.result import Gate, GateResult, Outcome, Reason
from registry.manifest import Provenance


def provenance(evidence: Evidence, terms: ProvenanceTerms) -> GateResult:
    """Sources and licences of all data, a scan for duplicates and contamination, the intended use, the known limits."""
    told = evidence.provenance
    lacking = _lacking(told)
    if told is None or told.scan is None or lacking:
        summary = f"Its manifest's provenance does not say {', '.join(lacking)}."
        return GateResult(Gate.PROVENANCE, Outcome.MISSING, Reason.PROVENANCE_INCOMPLETE, summary)
    refused = _not_allowed(told, terms)
    if refused:
        summary = f"Not among the licences that the policy allows: {', '.join(refused)}."
        return GateResult(Gate.PROVENANCE, Outcome.FAILED, Reason.LICENCE_NOT_ALLOWED, summary)
    scan = told.scan
    figures = {"images": scan.images, "near_duplicates": scan.near_duplicates, "contaminated": scan.contaminated}
    if scan.contaminated:
        summary = f"{scan.contaminated:,} of its {scan.images:,} training images are among those it is judged by."
        return GateResult(Gate.PROVENANCE, Outcome.FAILED, Reason.CONTAMINATED, summary, figures=figures)
    share = scan.near_duplicates / scan.images
    if share > terms.near_duplicates:
        summary = (
            f"{share:.2%} of its training images are near-duplicates of others; the policy allows "
            f"{terms.near_duplicates:.2%}."
        )
        return GateResult(Gate.PROVENANCE, Outcome.FAILED, Reason.TOO_MANY_DUPLICATES, summary, figures=figures)
    sets = "1 data set" if len(told.datasets) == 1 else f"{len(told.datasets)} data sets"
    summary = (
        f"{sets} with source and licence; {scan.images:,} images scanned by {scan.method}: "
        f"{scan.near_duplicates:,} near-duplicates, none that it is judged by."
    )
    return GateResult(Gate.PROVENANCE, Outcome.PASSED, Reason.PROVENANCE_COMPLETE, summary, figures=figures)


def _lacking(told: Provenance | None) -> list[str]:
    if told is None:
        return ["anything"]
    known = {
        "the licence of the weights": told.licence,
        "a data set": told.datasets,
        "the source of each data set": all(each.source.strip() for each in told.datasets),
        "the licence of each data set": all(each.licence.strip() for each in told.datasets),
        "what a scan for duplicates and contamination found": told.scan,
        "the intended use": told.intended_use,
        "the known limits": told.known_limits,
    }
    return [what for what, said in known.items() if not (said.strip() if isinstance(said, str) else said)]


def _not_allowed(told: Provenance, terms: ProvenanceTerms) -> list[str]:
    if terms.licences is None:
        return []
    licences = dict.fromkeys([told.licence, *(each.licence for each in told.datasets)])
    return [licence for licence in licences if licence not in terms.licences]

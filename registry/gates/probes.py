"""The gate that holds a version against the one that serves, on the same prompts and seeds.

Non-inferiority: a version passes where the whole interval of each loss lies within its margin. It has to pass in every
respect, so that no correction for asking several questions is due (an intersection-union test: Berger & Hsu 1996).
"""

from dataclasses import asdict
from enum import Enum

from pydantic import JsonValue

from registry.gates.evidence import Evidence, Interval, NotPaired, Paired, Unpaired
from registry.gates.policy import Margins, ProbeTerms
from registry.gates.result import Gate, GateResult, Outcome, Reason

_UNPAIRED = {
    NotPaired.NOTHING_SERVES: (Outcome.NOT_APPLICABLE, Reason.NOTHING_SERVES),
    NotPaired.NOT_YET: (Outcome.PENDING, Reason.PROBES_TO_COME),
    NotPaired.UNDER_WAY: (Outcome.PENDING, Reason.PROBES_UNDER_WAY),
    NotPaired.NOT_MADE: (Outcome.MISSING, Reason.PROBES_NOT_MADE),
}
_LESS_IS_WORSE = ("alignment", "diversity")


class _Said(Enum):
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"
    NOT_WORSE = "not worse"


def paired_probes(evidence: Evidence, terms: ProbeTerms) -> GateResult:
    """Not worse in all that the policy asks; worse in anything fails; what cannot be told is missing."""
    found = evidence.paired
    if isinstance(found, Unpaired):
        outcome, reason = _UNPAIRED[found.why]
        return GateResult(Gate.PAIRED_PROBES, outcome, reason, found.detail)
    told = {name: _judged(name, found, margin) for name, margin in _asked(terms.margins).items()}
    figures = _figures(found, terms.margins)
    beside = f"beside version {found.against}, over {found.compared} pairs of {found.asked}"
    for said, outcome, reason in (
        (_Said.WORSE, Outcome.FAILED, Reason.WORSE),
        (_Said.CANNOT_TELL, Outcome.MISSING, Reason.CANNOT_TELL),
    ):
        names = [name for name, each in told.items() if each is said]
        if names:
            what = "; ".join(_words(name, found, _asked(terms.margins)[name]) for name in names)
            verb = "It is worse" if said is _Said.WORSE else "Too little to tell"
            return GateResult(Gate.PAIRED_PROBES, outcome, reason, f"{verb} {beside}: {what}.", figures=figures)
    what = ", ".join(name.replace("_", " ") for name in told)
    summary = f"It is not worse {beside}, in {what}."
    return GateResult(Gate.PAIRED_PROBES, Outcome.PASSED, Reason.NOT_WORSE, summary, figures=figures)


def _asked(margins: Margins) -> dict[str, float]:
    return {name: margin for name, margin in margins.model_dump().items() if margin is not None}


def _change(name: str, found: Paired) -> Interval | None:
    change: Interval | None = getattr(found, name)
    return change


def _judged(name: str, found: Paired, margin: float) -> _Said:
    change = _change(name, found)
    if change is None:
        return _Said.CANNOT_TELL
    least, most = (-change.high, -change.low) if name in _LESS_IS_WORSE else (change.low, change.high)
    if least > margin:
        return _Said.WORSE
    return _Said.NOT_WORSE if most <= margin else _Said.CANNOT_TELL


def _words(name: str, found: Paired, margin: float) -> str:
    change, what = _change(name, found), name.replace("_", " ")
    if change is None:
        return f"{what}: too few pairs"
    return f"{what} {change.value:+.3g} ({change.low:+.3g} to {change.high:+.3g}, {margin:g} would not matter)"


def _figures(found: Paired, margins: Margins) -> dict[str, JsonValue]:
    return {**asdict(found), "margins": margins.model_dump()}

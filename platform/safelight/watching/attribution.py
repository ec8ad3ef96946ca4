"""Whose fault is it: all that serves, or one part of it? Pure: decided from what was found of each slice.

A replica with a broken driver pulls down the average of everything, and rolling the version back would not help. So a
finding belongs to a slice where the rest of its attribute's traffic, taken together, was judged and is healthy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from monitors.verdict import Health, Json, Verdict, combine
from safelight.settings import SliceAttribute
from safelight.store.slices import Slice

_SUSPICIOUS = 1e-3
"""A rest with a p-value below this is not cleared: of a change that all share, much is left when one part is gone."""


@dataclass(frozen=True)
class SlicedVerdict:
    """A monitor's answer and what it rests on, by name: all traffic and each slice that was tested, if any was."""

    verdict: Verdict
    slices: Mapping[str, Verdict]


class Remainders(Protocol):
    """What is found of the traffic that a suspicion leaves over."""

    def together(self, names: Sequence[str]) -> Verdict:
        """Of several slices taken together."""
        ...

    def without_each(self, names: Sequence[str]) -> Mapping[str, Verdict]:
        """For each of several slices, of all the others together."""
        ...


@dataclass(frozen=True)
class _Culprit:
    """Slices of one attribute that are degraded, or without which nothing is, while the others are healthy."""

    names: Sequence[str]
    others: Sequence[str]
    verdict: Verdict
    size: int


def attribute(
    whole: Verdict, found: Mapping[str, Verdict], sizes: Mapping[str, int], remainders: Remainders
) -> Verdict:
    """The answer for all traffic and its slices: those `found`, large enough to be tested, among all in `sizes`.

    `evidence["slice"]` names the slice that alone is degraded: its attribute and value, how many others there are of
    that attribute, and how many of them are healthy. Without it, a degraded verdict speaks of all that serves.
    """
    if not found and whole.health is not Health.DEGRADED:
        return whole
    counts: dict[str, Json] = {health.value: sum(each.health is health for each in found.values()) for health in Health}
    degraded = {name: verdict for name, verdict in found.items() if verdict.health is Health.DEGRADED}
    culprits = []
    for names in _by_attribute(sizes):
        culprit = _degraded_alone(names, found, sizes, remainders) if degraded else None
        if culprit is None and not degraded and whole.health is Health.DEGRADED:
            culprit = _missed_by_nobody(names, whole, sizes, remainders)
        culprits += [culprit] if culprit else []
    if culprits:
        # One replica explains more than the region it stands in, and one region more than its four replicas.
        culprit = min(culprits, key=lambda each: (len(each.names), each.size))
        return _blamed(culprit, found, counts)
    if degraded and whole.health is not Health.DEGRADED:
        name = min(degraded, key=lambda each: (degraded[each].p_value or 0.0, each))
        whole = replace(degraded[name], summary=f"Seen in {spoken_name(name)}: {degraded[name].summary}")
    return _with(whole, slices=counts)


def spoken_name(name: str) -> str:
    """A slice as people say it: `replica r7`."""
    part = Slice.parse(name)
    if part is None:
        return "all traffic"
    noun = "request class" if part.attribute is SliceAttribute.PARAMETERS else part.attribute.value
    return f"any other {noun}" if part.value is None else f"{noun} {part.value}"


def _by_attribute(sizes: Mapping[str, int]) -> list[list[str]]:
    parts = {name: part for name in sorted(sizes) if (part := Slice.parse(name)) is not None}
    groups = [[name for name, part in parts.items() if part.attribute is attribute] for attribute in SliceAttribute]
    return [names for names in groups if len(names) > 1]


def _degraded_alone(
    names: Sequence[str], found: Mapping[str, Verdict], sizes: Mapping[str, int], remainders: Remainders
) -> _Culprit | None:
    """None where no slice of the attribute is degraded, most are, or the others are not known to be well."""
    degraded = [name for name in names if name in found and found[name].health is Health.DEGRADED]
    others = [name for name in names if name not in degraded]
    if not degraded or len(degraded) > len(others) or not _is_clear(remainders.together(others)):
        return None
    verdict = combine(found[name] for name in degraded)
    return _Culprit(degraded, others, verdict, sum(sizes[name] for name in degraded))


def _missed_by_nobody(
    names: Sequence[str], whole: Verdict, sizes: Mapping[str, int], remainders: Remainders
) -> _Culprit | None:
    """The one slice without which all is well, however few generations it has; None where none or several are such.

    All traffic shows a broken replica of eight long before that replica alone has made enough to be tested.
    """
    healed = [name for name, rest in remainders.without_each(names).items() if _is_clear(rest)]
    if len(healed) != 1:
        return None
    return _Culprit(healed, [name for name in names if name not in healed], whole, sizes[healed[0]])


def _is_clear(rest: Verdict) -> bool:
    return rest.health is Health.HEALTHY and (rest.p_value is None or rest.p_value > _SUSPICIOUS)


def _blamed(culprit: _Culprit, found: Mapping[str, Verdict], counts: dict[str, Json]) -> Verdict:
    worst = next((name for name in culprit.names if found.get(name) == culprit.verdict), culprit.names[0])
    part = Slice.parse(worst)
    assert part is not None, "all traffic is no slice"  # noqa: S101 - narrows the type: its names are slices
    healthy = sum(name in found and found[name].health is Health.HEALTHY for name in culprit.others)
    blame: dict[str, Json] = {
        "attribute": part.attribute.value,
        "value": part.value,
        "name": worst,
        "names": [*culprit.names],
        "others": len(culprit.others),
        "others_healthy": healthy,
    }
    return _with(
        replace(culprit.verdict, summary=f"{_sentence(culprit, worst, healthy)} {culprit.verdict.summary}"),
        slices=counts,
        slice=blame,
    )


def _sentence(culprit: _Culprit, worst: str, healthy: int) -> str:
    more = f" and {len(culprit.names) - 1} more" if len(culprit.names) > 1 else ""
    who = f"{spoken_name(worst)}{more}"
    others = len(culprit.others)
    rest = f"{healthy} of {others} others are healthy" if healthy else f"the {others} others are healthy together"
    return f"{who[0].upper()}{who[1:]} only: {rest}."


def _with(verdict: Verdict, **evidence: Json) -> Verdict:
    return replace(verdict, evidence={**verdict.evidence, **evidence})

"""Whose fault it is, from what was found of each part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from monitors.verdict import Health, Reason, Verdict
from safelight.watching.attribution import attribute, spoken_name

FINE = Verdict(Health.HEALTHY, Reason.WITHIN_BUDGET, "fine", p_value=0.4, n=900)
BAD = Verdict(Health.DEGRADED, Reason.CONDITIONAL_DRIFT, "Images differ.", p_value=1e-12, n=300)
TOO_FEW = Verdict(Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, "few", n=30)


@dataclass
class Rest:
    """A world in which the rest is what the test says it is."""

    others: Verdict = FINE
    without: Mapping[str, Verdict] = field(default_factory=dict)

    def together(self, names: Sequence[str]) -> Verdict:
        return self.others

    def without_each(self, names: Sequence[str]) -> Mapping[str, Verdict]:
        return {name: self.without.get(name, BAD) for name in names}


def replicas(count: int, **found: Verdict) -> dict[str, Verdict]:
    return {f"replica=r{i}": found.get(f"r{i}", FINE) for i in range(count)}


def ask(whole: Verdict, found: Mapping[str, Verdict], rest: Rest, **smaller: int) -> Verdict:
    return attribute(whole, found, {"all": 5000} | {name: each.n for name, each in found.items()} | smaller, rest)


def blamed(answer: Verdict) -> Any:
    return answer.evidence["slice"]


def test_without_slices_the_answer_is_that_of_all_traffic() -> None:
    assert ask(FINE, {}, Rest()) is FINE
    assert ask(BAD, {}, Rest()).evidence.get("slice") is None


def test_healthy_slices_are_counted() -> None:
    answer = ask(FINE, replicas(4, r3=TOO_FEW), Rest())
    assert answer.health is Health.HEALTHY
    assert answer.evidence["slices"] == {"healthy": 3, "degraded": 0, "inconclusive": 1, "error": 0}


def test_a_bad_replica_is_named_whether_or_not_it_shows_in_all_traffic() -> None:
    for whole in (FINE, BAD):
        answer = ask(whole, replicas(64, r7=BAD, r9=TOO_FEW, r11=TOO_FEW), Rest())
        assert answer.summary == "Replica r7 only: 61 of 63 others are healthy. Images differ."
        assert (answer.health, answer.p_value) == (Health.DEGRADED, 1e-12)
        assert answer.evidence["slice"] == {
            "attribute": "replica",
            "value": "r7",
            "name": "replica=r7",
            "names": ["replica=r7"],
            "others": 63,
            "others_healthy": 61,
        }


@pytest.mark.parametrize(
    "others",
    [BAD, TOO_FEW, Verdict(Health.HEALTHY, Reason.WITHIN_BUDGET, "", p_value=5e-4)],
    ids=["bad", "few", "near"],
)
def test_a_rest_that_is_not_cleared_leaves_the_whole_to_blame(others: Verdict) -> None:
    answer = ask(BAD, replicas(8, r7=BAD), Rest(others))
    assert (answer.health, answer.summary) == (Health.DEGRADED, "Images differ.")
    assert "slice" not in answer.evidence


def test_most_of_them_are_no_exception() -> None:
    assert "slice" not in ask(BAD, replicas(5, r0=BAD, r1=BAD, r2=BAD), Rest()).evidence
    answer = ask(BAD, replicas(5, r0=BAD, r1=BAD), Rest())
    assert blamed(answer)["names"] == ["replica=r0", "replica=r1"]
    assert "Replica r0 and 1 more only: 3 of 3 others are healthy." in answer.summary


def test_a_slice_that_nobody_clears_is_told_without_a_culprit() -> None:
    answer = ask(FINE, replicas(3, r1=BAD), Rest(TOO_FEW))
    assert (answer.health, answer.summary) == (Health.DEGRADED, "Seen in replica r1: Images differ.")
    assert "slice" not in answer.evidence


def test_the_narrowest_part_that_explains_it_is_named() -> None:
    one = replicas(4, r1=BAD) | {"region=north": BAD, "region=south": FINE}
    sizes = {"all": 5000, "region=north": 600} | dict.fromkeys(replicas(4), 300)
    assert blamed(attribute(BAD, one, sizes | {"region=south": 600}, Rest()))["value"] == "r1"
    both = replicas(4, r1=BAD, r2=BAD) | {"region=north": BAD, "region=south": FINE}
    assert blamed(attribute(BAD, both, sizes | {"region=south": 600}, Rest()))["value"] == "north"


def test_a_part_too_small_to_be_tested_is_named_when_all_is_well_without_it() -> None:
    answer = ask(BAD, {}, Rest(without={"replica=r1": FINE}), **{"replica=r0": 40, "replica=r1": 40, "replica=r2": 40})
    assert answer.summary == "Replica r1 only: the 2 others are healthy together. Images differ."
    ambiguous = Rest(without={"replica=r1": FINE, "replica=r2": FINE})
    assert "slice" not in ask(BAD, {}, ambiguous, **{"replica=r0": 40, "replica=r1": 40, "replica=r2": 40}).evidence


def test_slices_are_spoken_of_as_people_do() -> None:
    assert [spoken_name(each) for each in ("all", "region=north", "parameters=few_steps", "replica (other)")] == [
        "all traffic",
        "region north",
        "request class few_steps",
        "any other replica",
    ]

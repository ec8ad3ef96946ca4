"""Each gate by example, and what a promote comes to."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.gates.evidence import (
    Approval,
    Engine,
    Evidence,
    Interval,
    Loading,
    NotPaired,
    Paired,
    Unpaired,
    Variant,
)
from registry.gates.judging import judge
from registry.gates.policy import GatePolicy, Margins, ProbeTerms, ProvenanceTerms
from registry.gates.result import (
    ALWAYS_REQUIRED,
    NEVER_OVERRIDDEN,
    Decision,
    Gate,
    GateResult,
    Outcome,
    Reason,
    decide,
    overridden,
    refusal,
)
from registry.ledger import Entry, EntryKind
from registry.manifest import Dataset, Provenance, Scan

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STRICT = GatePolicy(
    provenance=ProvenanceTerms(licences=("MIT", "Apache-2.0")),
    paired_probes=ProbeTerms(margins=Margins(diversity=0.1)),
    variant=True,
    approvals=1,
)
SCAN = Scan(method="CLIP cosine > 0.97", made_on=date(2026, 11, 1), images=10_000, near_duplicates=20, contaminated=0)
PROVENANCE = Provenance(
    licence="Apache-2.0",
    datasets=(Dataset(name="Emoji", source="npm", licence="MIT"),),
    scan=SCAN,
    intended_use="Avatars",
    known_limits="No text",
)
SAME = Interval(0.0, -0.005, 0.005, 200)
PAIRED = Paired(
    against=1, asked=200, compared=200, alignment=SAME, broken_rate=SAME, diversity=SAME, latency=SAME, cost=SAME
)
GOOD = Evidence(
    external=False,
    engine=Engine(Loading.READY),
    quarantined=None,
    provenance=PROVENANCE,
    paired=PAIRED,
    variant=Variant(parent=1, not_worse=True, statement="Not worse."),
    author="ann",
    promoter="ann",
    approvals=(Approval("bob", NOON, ""),),
)


def rolled_back(at: datetime = NOON) -> Entry:
    return Entry(
        generator="studio",
        scope="default",
        kind=EntryKind.ROLLBACK,
        from_version=3,
        to_version=2,
        to_digest="sha256:" + "0" * 64,
        actor="safelight",
        reason="",
        incident_id="an incident",
        seq=7,
        at=at,
        prev_hash="",
        hash="",
    )


def said(evidence: Evidence, gate: Gate, policy: GatePolicy = STRICT) -> GateResult:
    return next(each for each in judge(evidence, policy) if each.gate is gate)


def paired(**changed: Interval | None) -> Evidence:
    return replace(GOOD, paired=replace(PAIRED, **changed))  # type: ignore[arg-type]  # fields by name


def provenance(**changed: Any) -> Evidence:
    return replace(GOOD, provenance=PROVENANCE.model_copy(update=changed))


def test_what_shows_everything_passes_every_gate() -> None:
    results = judge(GOOD, STRICT)
    assert [each.gate for each in results] == list(Gate)
    assert {each.outcome for each in results} == {Outcome.PASSED}
    assert decide(results, override=False) is Decision.PASS
    assert overridden(results) == ()


@pytest.mark.parametrize(
    ("evidence", "gate", "outcome", "reason"),
    [
        (replace(GOOD, engine=Engine(Loading.UNTRIED)), Gate.INTEGRITY, Outcome.PENDING, Reason.LOADING),
        (replace(GOOD, engine=Engine(Loading.UNTRIED)), Gate.LOADABLE, Outcome.PENDING, Reason.LOADING),
        (replace(GOOD, engine=Engine(Loading.REFUSED, "x")), Gate.INTEGRITY, Outcome.FAILED, Reason.FILES_REFUSED),
        (replace(GOOD, engine=Engine(Loading.REFUSED, "x")), Gate.LOADABLE, Outcome.FAILED, Reason.LOADING_FAILED),
        (replace(GOOD, engine=Engine(Loading.FAILED, "x")), Gate.INTEGRITY, Outcome.PASSED, Reason.FILES_VERIFIED),
        (replace(GOOD, engine=Engine(Loading.FAILED, "x")), Gate.LOADABLE, Outcome.FAILED, Reason.LOADING_FAILED),
        (replace(GOOD, external=True), Gate.LOADABLE, Outcome.NOT_APPLICABLE, Reason.SERVED_ELSEWHERE),
        (replace(GOOD, quarantined=rolled_back()), Gate.QUARANTINE, Outcome.FAILED, Reason.QUARANTINED),
        (replace(GOOD, provenance=None), Gate.PROVENANCE, Outcome.MISSING, Reason.PROVENANCE_INCOMPLETE),
        (provenance(scan=None), Gate.PROVENANCE, Outcome.MISSING, Reason.PROVENANCE_INCOMPLETE),
        (provenance(datasets=()), Gate.PROVENANCE, Outcome.MISSING, Reason.PROVENANCE_INCOMPLETE),
        (provenance(intended_use=" "), Gate.PROVENANCE, Outcome.MISSING, Reason.PROVENANCE_INCOMPLETE),
        (provenance(known_limits=None), Gate.PROVENANCE, Outcome.MISSING, Reason.PROVENANCE_INCOMPLETE),
        (provenance(licence="CC-BY-NC"), Gate.PROVENANCE, Outcome.FAILED, Reason.LICENCE_NOT_ALLOWED),
        (
            provenance(scan=SCAN.model_copy(update={"contaminated": 1})),
            Gate.PROVENANCE,
            Outcome.FAILED,
            Reason.CONTAMINATED,
        ),
        (
            provenance(scan=SCAN.model_copy(update={"near_duplicates": 101})),
            Gate.PROVENANCE,
            Outcome.FAILED,
            Reason.TOO_MANY_DUPLICATES,
        ),
        (replace(GOOD, variant=None), Gate.VARIANT, Outcome.NOT_APPLICABLE, Reason.NO_VARIANT),
        (replace(GOOD, variant=Variant(1)), Gate.VARIANT, Outcome.MISSING, Reason.NOT_MEASURED),
        (replace(GOOD, variant=Variant(1, None, "?")), Gate.VARIANT, Outcome.MISSING, Reason.CANNOT_TELL),
        (replace(GOOD, variant=Variant(1, False, "!")), Gate.VARIANT, Outcome.FAILED, Reason.WORSE),
        (replace(GOOD, approvals=()), Gate.APPROVAL, Outcome.MISSING, Reason.NOT_APPROVED),
        (replace(GOOD, author="bob"), Gate.APPROVAL, Outcome.MISSING, Reason.NOT_APPROVED),
        (replace(GOOD, promoter="bob"), Gate.APPROVAL, Outcome.MISSING, Reason.NOT_APPROVED),
        (replace(GOOD, quarantined=rolled_back(NOON)), Gate.APPROVAL, Outcome.MISSING, Reason.NOT_APPROVED),
        (
            replace(GOOD, quarantined=rolled_back(NOON - timedelta(hours=1))),
            Gate.APPROVAL,
            Outcome.PASSED,
            Reason.APPROVED,
        ),
    ],
)
def test_a_gate_by_example(evidence: Evidence, gate: Gate, outcome: Outcome, reason: Reason) -> None:
    result = said(evidence, gate)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.summary


@pytest.mark.parametrize(("number", "words"), [(1, "1 data set with"), (2, "2 data sets with")])
def test_complete_provenance_is_summed_up_in_words(number: int, words: str) -> None:
    assert said(provenance(datasets=PROVENANCE.datasets * number), Gate.PROVENANCE).summary.startswith(words)


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        (NotPaired.NOTHING_SERVES, Outcome.NOT_APPLICABLE),
        (NotPaired.NOT_YET, Outcome.PENDING),
        (NotPaired.UNDER_WAY, Outcome.PENDING),
        (NotPaired.NOT_MADE, Outcome.MISSING),
    ],
)
def test_without_pairs_the_probes_say_why(why: NotPaired, outcome: Outcome) -> None:
    result = said(replace(GOOD, paired=Unpaired(why, "so it is")), Gate.PAIRED_PROBES)
    assert (result.outcome, result.summary) == (outcome, "so it is")


@pytest.mark.parametrize(
    ("field", "change", "reason"),
    [
        ("alignment", Interval(-0.03, -0.04, -0.02, 200), Reason.WORSE),
        ("alignment", Interval(-0.01, -0.02, 0.0, 200), Reason.CANNOT_TELL),
        ("alignment", Interval(0.03, 0.02, 0.04, 200), Reason.NOT_WORSE),
        ("alignment", None, Reason.CANNOT_TELL),
        ("broken_rate", Interval(0.2, 0.1, 0.3, 200), Reason.WORSE),
        ("broken_rate", Interval(0.04, 0.0, 0.08, 200), Reason.CANNOT_TELL),
        ("broken_rate", Interval(-0.2, -0.3, -0.1, 200), Reason.NOT_WORSE),
        ("diversity", Interval(-0.3, -0.4, -0.2, 200), Reason.WORSE),
        ("latency", Interval(1.0, 0.9, 1.1, 200), Reason.WORSE),
        ("latency", Interval(-0.5, -0.6, -0.4, 200), Reason.NOT_WORSE),
        ("cost", None, Reason.CANNOT_TELL),
    ],
)
def test_every_loss_has_its_side(field: str, change: Interval | None, reason: Reason) -> None:
    result = said(paired(**{field: change}), Gate.PAIRED_PROBES)
    assert result.reason is reason
    assert (field.replace("_", " ") in result.summary) or reason is Reason.NOT_WORSE


def test_what_the_policy_does_not_ask_is_not_held_against_a_version() -> None:
    margins = Margins(alignment=None, broken_rate=0.05, diversity=None, latency=None, cost=None)
    worse = paired(alignment=Interval(-0.5, -0.6, -0.4, 200), cost=None)
    assert said(worse, Gate.PAIRED_PROBES, GatePolicy(paired_probes=ProbeTerms(margins=margins))).reason is (
        Reason.NOT_WORSE
    )


def test_worse_in_one_respect_is_worse_whatever_else_cannot_be_told() -> None:
    result = said(paired(alignment=Interval(-0.03, -0.04, -0.02, 200), cost=None), Gate.PAIRED_PROBES)
    assert result.outcome is Outcome.FAILED


def test_pairs_survive_a_document() -> None:
    one = replace(PAIRED, cost=None)
    assert Paired.from_dict(asdict(one)) == one


def test_more_approvals_take_more_people() -> None:
    twice = replace(GOOD, approvals=(Approval("bob", NOON, ""), Approval("bob", NOON + timedelta(hours=1), "")))
    policy = STRICT.model_copy(update={"approvals": 2})
    assert said(twice, Gate.APPROVAL, policy).outcome is Outcome.MISSING
    both = replace(GOOD, approvals=(*twice.approvals, Approval("eve", NOON, "")))
    assert said(both, Gate.APPROVAL, policy).figures["by"] == ["bob", "eve"]


def test_without_a_policy_only_what_holds_always_is_required() -> None:
    nothing = Evidence(
        external=False,
        engine=Engine(Loading.READY),
        quarantined=None,
        provenance=None,
        paired=Unpaired(NotPaired.NOT_MADE),
        variant=None,
        author="ann",
        promoter="ann",
        approvals=(),
    )
    results = judge(nothing, GatePolicy())
    assert {each.gate for each in results} == ALWAYS_REQUIRED
    assert decide(results, override=False) is Decision.PASS
    told = judge(GOOD, GatePolicy())
    assert {each.gate for each in told} == set(Gate)  # what is known is told, required or not


def test_a_refusal_gives_each_reason() -> None:
    results = judge(replace(GOOD, provenance=None, approvals=()), STRICT)
    assert decide(results, override=False) is Decision.REFUSE
    assert refusal(results).count("Gate ") == 2
    assert "Gate approval: 0 of 1 approvals." in refusal(results)


outcomes = st.builds(
    GateResult,
    gate=st.sampled_from(Gate),
    outcome=st.sampled_from(Outcome),
    reason=st.just(Reason.LOADED),
    summary=st.just("so"),
    required=st.booleans(),
)


@given(st.lists(outcomes, unique_by=lambda each: each.gate), st.booleans())
def test_a_promote_passes_only_what_was_shown_or_overridden(results: list[GateResult], override: bool) -> None:
    decision = decide(results, override=override)
    asked = [each for each in results if each.required]
    shown = [each for each in asked if each.outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE)]
    lacking = [each for each in asked if each not in shown]
    if decision is Decision.PASS:
        assert not lacking or (override and lacking == list(overridden(results)))
    if decision is Decision.REFUSE:
        assert refusal(results)
    if any(each.gate in NEVER_OVERRIDDEN and each.outcome is Outcome.FAILED for each in asked):
        assert decision is Decision.REFUSE
    # No evidence more, and no override, ever refuses what passed without.
    if decide(results, override=False) is Decision.PASS:
        assert decision is Decision.PASS


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.3))
def test_a_wider_margin_never_fails_what_a_narrower_one_passed(value: float, reach: float, more: float) -> None:
    evidence = paired(alignment=Interval(value, value - reach, value + reach, 200))
    rank = {Outcome.FAILED: 0, Outcome.MISSING: 1, Outcome.PASSED: 2}

    def outcome(margin: float) -> int:
        margins = Margins(alignment=margin, broken_rate=None, latency=None, cost=None)
        policy = GatePolicy(paired_probes=ProbeTerms(margins=margins))
        return rank[said(evidence, Gate.PAIRED_PROBES, policy).outcome]

    assert outcome(0.01 + more) >= outcome(0.01)

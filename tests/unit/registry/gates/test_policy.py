"""A gate policy is whole or refused with every field in error named."""

from typing import Any

import pytest

from registry.errors import Kind
from registry.gates.policy import GatePolicy, GatePolicyInvalid, parse_policy


def test_the_empty_document_asks_for_nothing_more() -> None:
    policy = parse_policy({})
    assert policy == GatePolicy()
    assert (policy.provenance, policy.paired_probes, policy.variant, policy.approvals) == (None, None, False, 0)


def test_it_survives_json() -> None:
    policy = parse_policy({"paired_probes": {"pairs": 64, "margins": {"cost": None}}, "provenance": {}, "approvals": 2})
    assert parse_policy(policy.model_dump_json()) == policy
    assert policy.paired_probes is not None
    assert (policy.paired_probes.margins.cost, policy.paired_probes.margins.alignment) == (None, 0.01)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"approval": 1}, "approval"),
        ({"approvals": -1}, "approvals"),
        ({"approvals": 6}, "approvals"),
        ({"approvals": True}, "approvals"),
        ({"schema_version": 2}, "schema_version"),
        ({"paired_probes": {"pairs": 15}}, "paired_probes.pairs"),
        ({"paired_probes": {"margins": {"alignment": -0.1}}}, "paired_probes.margins.alignment"),
        ({"paired_probes": {"margins": {"beauty": 0.1}}}, "paired_probes.margins.beauty"),
        ({"provenance": {"near_duplicates": 1.1}}, "provenance.near_duplicates"),
        ({"provenance": {"licences": [""]}}, "provenance.licences.0"),
        ("[]", "policy"),
    ],
)
def test_what_it_cannot_mean_is_named(document: Any, named: str) -> None:
    with pytest.raises(GatePolicyInvalid, match=named) as refused:
        parse_policy(document)
    assert (refused.value.code, refused.value.kind) == ("gate_policy_invalid", Kind.INVALID)

"""Claims name sections that exist, and a record that lacks what a claim is about does not speak for it."""

from collections import Counter

from safelight.auditing.frameworks import FRAMEWORKS, Claim
from safelight.auditing.sections import SECTIONS

CLAIMS = [claim for framework in FRAMEWORKS for claim in framework.claims]


def test_every_claim_rests_on_a_kind_of_records_that_packs_hold() -> None:
    assert {claim.section for claim in CLAIMS} <= {section.name for section in SECTIONS}
    assert all(count == 1 for count in Counter(section.name for section in SECTIONS).values())


def test_no_reference_is_claimed_twice_in_one_framework() -> None:
    for framework in FRAMEWORKS:
        references = Counter(claim.reference for claim in framework.claims)
        assert all(count == 1 for count in references.values()), framework.name


def test_all_four_functions_the_profile_and_the_management_system_are_spoken_to() -> None:
    parts = {framework.part for framework in FRAMEWORKS}
    assert {"Govern", "Map", "Measure", "Manage", "Suggested actions", "Clauses and Annex A"} == parts


def test_a_record_without_what_is_claimed_does_not_count() -> None:
    claim = Claim("MAP 1.1", "", "", "model_cards", "manifest.provenance.intended_use")
    assert claim.shown_by({"manifest": {"provenance": {"intended_use": "portraits"}}})
    provenances: tuple[dict[str, object] | None, ...] = (None, {}, {"intended_use": None}, {"intended_use": ""})
    for lacking in provenances:
        assert not claim.shown_by({"manifest": {"provenance": lacking}})
    assert not claim.shown_by({"manifest": None})
    assert Claim("7.5", "", "", "ledger").shown_by({})

"""A release manager's day on the real studio: who wants to serve has to earn it, and what got past is taken back.

One company runs through all of it; each test begins where the one before it ended. Counts decide here, not seconds:
on a slow machine it takes longer and ends the same.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from safelight.studio.demo import GENERATOR
from safelight.studio.promotions import GUARD, Promotions
from safelight.studio.rehearsal import Rehearsal, rehearsal, release_manager

IMAGES_A_SECOND = 6.0
LONGEST_SECONDS = 600.0
PLAN = {
    "steps": [
        {"weight": 5, "shadow": 50, "bake_seconds": 15},
        {"weight": 10, "shadow": 50, "bake_seconds": 15},
        {"weight": 25, "bake_seconds": 15},
        {"weight": 50, "bake_seconds": 15},
    ]
}
POLICY = {
    "provenance": {"licences": ["Apache-2.0", "MIT"]},
    # Engines and traffic share two cores here: how long an image takes says nothing of the version.
    "paired_probes": {"margins": {"latency": None, "cost": None}},
    "approvals": 1,
}
PROVENANCE = {
    "licence": "Apache-2.0",
    "datasets": [{"name": "Scenes composed of Microsoft Fluent emoji", "source": "npm", "licence": "MIT"}],
    "scan": {
        "method": "CLIP cosine above 0.97",
        "made_on": "2026-11-01",
        "images": 60000,
        "near_duplicates": 310,
        "contaminated": 0,
    },
    "intended_use": "Pictures of simple things on plain backgrounds",
    "known_limits": "Counts above three, pairs of things",
}
Report = Callable[[Sequence[str]], None]

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def fault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file is there, the environment is broken."""
    return tmp_path_factory.mktemp("fault") / "broken"


@pytest.fixture(scope="module")
def running(fault: Path) -> Iterator[Rehearsal]:
    library = Path(__file__).parent / "broken_library"
    path = os.pathsep.join(filter(None, (str(library), os.environ.get("PYTHONPATH"))))
    environment = {"PYTHONPATH": path, "BROKEN_WHILE": str(fault)}
    with rehearsal(IMAGES_A_SECOND, environment=environment) as started:
        yield started


@pytest.fixture(scope="module")
def story(running: Rehearsal) -> Iterator[Promotions]:
    with release_manager(running) as begun:
        yield begun


def test_swapped_colours_are_called_off_before_a_quarter_of_the_requests_has_them(
    running: Rehearsal, story: Promotions, tmp_path: Path, report_figures: Report
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(PLAN))
    told = running.cli("promote", GENERATOR, "3", "--canary", str(plan), "--reason", "sharper hands")
    telling = story.see_through(told.split()[-1], LONGEST_SECONDS)
    report_figures(telling.lines())
    assert telling.state == "aborted"
    assert telling.share < 25
    assert story.visitor.serving() == 2


def test_past_the_gates_they_are_taken_back_by_the_guard_alone(story: Promotions, report_figures: Report) -> None:
    story.visitor.put(f"/api/v1/gates/{GENERATOR}", **POLICY)
    refused = story.visitor.promote(3, "it is wanted today")
    assert refused["state"] == "failed"
    assert "passed" not in {story.gates(refused["id"])[gate] for gate in ("provenance", "approval")}
    story.arm(most_per_hour=2)
    telling = story.override(3, "the campaign begins at noon", LONGEST_SECONDS)
    report_figures(telling.lines())
    assert (telling.actor, telling.good_version) == (GUARD, 2)
    assert telling.seconds <= 5
    assert story.recover(LONGEST_SECONDS) == "rolled_back"


def test_what_is_harmless_passes_its_gates_and_its_canary_and_serves(
    running: Rehearsal, story: Promotions, tmp_path: Path, report_figures: Report
) -> None:
    provenance = tmp_path / "provenance.json"
    provenance.write_text(json.dumps(PROVENANCE))
    running.cli("gates", "provenance", GENERATOR, "5", str(provenance))
    running.cli("gates", "approve", GENERATOR, "5", "--note", "looked at 40 images")
    release = story.visitor.promote(5, "half the memory", canary=PLAN)
    telling = story.see_through(release["id"], LONGEST_SECONDS)
    gates = story.gates(release["id"])
    report_figures([*telling.lines(), *(f"{gate}: {outcome}" for gate, outcome in gates.items())])
    assert telling.state == "serving"
    assert {gates[gate] for gate in ("integrity", "loadable", "provenance", "paired_probes", "approval")} == {"passed"}
    assert story.visitor.serving() == 5


def test_a_fault_of_the_environment_pages_a_person_and_takes_nothing_back(
    story: Promotions, fault: Path, report_figures: Report
) -> None:
    story.accept("it has served well")
    for version in (2, 5):
        story.wait_for_stored_outputs(version, LONGEST_SECONDS)
    before = story.visitor.newest_entry()
    began = story.visitor.now()
    fault.touch()
    telling = story.hold(5, began, LONGEST_SECONDS)
    report_figures(telling.lines())
    assert telling.why == "environment"
    assert story.visitor.newest_entry() == before

"""The studio's versions at the gate: paired probes with the weights as they ship, through the code that serves them."""

from dataclasses import replace
from pathlib import Path

import pytest

from registry.gates.evidence import Engine, Evidence, Loading, Paired
from registry.gates.policy import ProbeTerms
from registry.gates.probes import paired_probes
from registry.gates.result import GateResult, Outcome, Reason
from safelight.ids import new_id
from safelight.probing.outputs import Images
from safelight.probing.pairing import paired
from safelight.probing.sets import Probe, read
from safelight.scoring.embedder import OpenClipEmbedder
from safelight.scoring.measuring import measure
from safelight.store.probe_images import ScoredProbe
from safelight.studio.probes import documents
from safelight.studio.training.sampling import Sampler
from safelight.studio.versions import EMBEDDER, build_version

PAIRS = 30
STEPS = 4
"""Half as many as usual: enough to see colours."""
SERVING, SWAPPED = 2, 3


@pytest.fixture(scope="module")
def asked() -> list[Probe]:
    return read(documents())[:PAIRS]


@pytest.fixture(scope="module")
def made(asked: list[Probe], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Images]:
    """What each version makes of the same prompts and seeds, scored; all take the same time."""
    sight, folder = OpenClipEmbedder(str(EMBEDDER), device="cpu"), tmp_path_factory.mktemp("versions")
    return {number: _made(number, asked, sight, folder / str(number)) for number in (SERVING, SWAPPED)}


def _made(number: int, asked: list[Probe], sight: OpenClipEmbedder, folder: Path) -> Images:
    version = build_version(number, folder)
    sampler = Sampler(version)
    requests = [version.manifest.resolve(replace(each.requested, steps=STEPS), fallback_seed=0) for each in asked]
    pixels = [image for start in range(0, PAIRS, 8) for image in sampler.render(requests[start : start + 8])]
    measured = measure(sight, [each.prompt for each in asked], pixels)
    return {
        place: ScoredProbe(
            place=place,
            repeat=0,
            generation_id=new_id(),
            outcome="served",
            error_code=None,
            image_key=None,
            sha256=None,
            scored=True,
            bad=found.signals.blank,
            alignment=found.alignment,
            image=found.image,
            prompt=found.prompt,
            engine_ms=100.0,
            batch_size=8,
        )
        for place, found in enumerate(measured)
    }


def gate(beside: Paired) -> GateResult:
    evidence = Evidence(
        external=False,
        engine=Engine(Loading.READY),
        quarantined=None,
        provenance=None,
        paired=beside,
        variant=None,
        author="studio",
        promoter="studio",
        approvals=(),
    )
    return paired_probes(evidence, ProbeTerms())


def test_swapped_colours_are_refused(made: dict[int, Images], asked: list[Probe]) -> None:
    beside = paired(SERVING, made[SWAPPED], made[SERVING], asked, range(PAIRS))
    assert beside.alignment is not None
    assert beside.alignment.high < -0.1
    result = gate(beside)
    assert (result.outcome, result.reason) == (Outcome.FAILED, Reason.WORSE)
    assert result.summary.startswith("It is worse beside version 2, over 30 pairs of 30: alignment -")

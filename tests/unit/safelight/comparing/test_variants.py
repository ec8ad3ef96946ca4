"""What the report of a variant says of two versions that were drawn and weighed."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from monitors.probes import Made, Outputs
from registry.manifest import Manifest, parse_manifest
from registry.variants import parse_changes, variant_of
from safelight.comparing.drawing import Drawing
from safelight.comparing.engines import Weighed
from safelight.comparing.trial import Conclusion, Drawn, judge
from safelight.comparing.variants import VariantReport, changes_between, report
from safelight.store.versions import KnownVersion

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
N = 64
MIB = 2**20


@pytest.fixture
def parent() -> Manifest:
    return parse_manifest(
        {
            "checkpoint": "sha256:" + "1" * 64,
            "dtype": "float32",
            "defaults": {"steps": 30, "guidance": 5.0, "width": 64, "height": 64},
            "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 300},
            "golden": [{"prompt": "a red apple", "seed": 1}],
        }
    )


def variant(parent: Manifest, **changes: Any) -> Manifest:
    return variant_of(parent, parse_changes(changes))


def weighed(seconds: float, host: int, device: int | None) -> Weighed:
    return Weighed(
        Drawing([None] * N, np.full(N, seconds)), host * MIB, None if device is None else device * MIB, "a device"
    )


def made(parent: Manifest, child: Manifest, costs: tuple[Weighed, Weighed], loss: float = 0.0) -> VariantReport:
    random = np.random.default_rng(0)
    images = random.normal(size=(N, 8)).astype(np.float32)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    old = Drawn(Outputs([Made.GOOD] * N, images, random.normal(0.3, 0.01, N)), costs[0].drawing.seconds)
    new = Drawn(Outputs([Made.GOOD] * N, images, old.outputs.alignments - loss), costs[1].drawing.seconds)
    trial = judge(old, new, np.arange(N, dtype=np.uint64))
    known = [KnownVersion("g", n, each.digest, each, "", MOMENT, "t") for n, each in enumerate((parent, child), 1)]
    return report(known[0], known[1], *costs, trial, "sha256:e", MOMENT)


def test_it_names_what_was_changed_and_nothing_else(parent: Manifest) -> None:
    child = variant(parent, steps=8, quantisation={"scheme": "int8_dynamic"}, description="cheaper")
    told = [(each.field, each.parent, each.variant) for each in changes_between(parent, child)]
    assert told == [("defaults.steps", 30, 8), ("quantisation.scheme", None, "int8_dynamic")]
    assert changes_between(parent, parent) == []


def test_a_cheaper_one_that_draws_as_well(parent: Manifest) -> None:
    found = made(parent, variant(parent, dtype="bfloat16"), (weighed(2.0, 4000, 8000), weighed(0.5, 3000, 4000)))
    assert found.speedup == pytest.approx(4)
    assert found.memory_ratio == pytest.approx(0.5), "of the GPU's where there is one"
    assert found.trial.conclusion is Conclusion.NOT_WORSE
    rows = {what: rest for what, *rest in found.table}
    assert rows["dtype"] == ["float32", "bfloat16", ""]
    assert rows["seconds an image"] == ["2.000", "0.500", "4.00x as fast"]
    assert rows["GPU memory, MiB"] == ["8,000", "4,000", ""]
    assert rows["pairs of one prompt and seed"] == ["64", "64", "not worse"]
    assert VariantReport.model_validate(found.model_dump(mode="json")) == found


def test_one_that_draws_worse_says_so_beside_what_it_saves(parent: Manifest) -> None:
    found = made(parent, variant(parent, steps=2), (weighed(2.0, 4000, None), weighed(0.1, 4000, None)), loss=0.2)
    assert found.trial.conclusion is Conclusion.WORSE
    assert found.memory_ratio == 1
    assert {what: rest for what, *rest in found.table}["GPU memory, MiB"] == ["-", "-", ""]

"""A variant is its parent's bundle in everything but what it is told to do otherwise."""

from typing import Any

import pytest

from registry.manifest import Manifest, ManifestCode, ManifestError, parse_manifest
from registry.variants import VariantChanges, parse_changes, variant_of


@pytest.fixture
def parent() -> Manifest:
    return parse_manifest(
        {
            "checkpoint": "sha256:" + "1" * 64,
            "dtype": "float32",
            "scheduler": {"class_name": "DDIMScheduler"},
            "defaults": {"steps": 30, "guidance": 5.0, "width": 64, "height": 64},
            "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 300},
            "golden": [{"prompt": "a red apple", "seed": 1}],
            "description": "The first one.",
            "provenance": {"licence": "MIT"},
        }
    )


def test_it_differs_in_what_was_told_alone(parent: Manifest) -> None:
    changes = parse_changes({"dtype": "bfloat16", "steps": 8, "quantisation": {"scheme": "int8_dynamic"}})
    variant = variant_of(parent, changes)
    assert (variant.dtype, variant.defaults.steps, variant.defaults.guidance) == ("bfloat16", 8, 5.0)
    assert variant.quantisation is not None
    assert variant.parent == parent.digest
    told = {"dtype", "defaults", "quantisation", "parent", "description"}
    assert variant.model_dump(exclude=told) == parent.model_dump(exclude=told)


def test_a_variant_of_a_variant_names_the_one_it_was_made_of(parent: Manifest) -> None:
    child = variant_of(parent, VariantChanges(steps=8))
    grandchild = variant_of(child, VariantChanges(compile="whole"))
    assert grandchild.parent == child.digest
    assert grandchild.defaults.steps == 8


@pytest.mark.parametrize("nothing", [{}, {"steps": 30}, {"dtype": "float32", "description": "Other words."}])
def test_one_that_changes_nothing_is_refused(nothing: dict[str, Any], parent: Manifest) -> None:
    with pytest.raises(ManifestError) as refused:
        variant_of(parent, parse_changes(nothing))
    assert refused.value.code == ManifestCode.VARIANT_UNCHANGED


def test_it_is_held_to_its_parents_limits(parent: Manifest) -> None:
    with pytest.raises(ManifestError, match="steps must be"):
        variant_of(parent, VariantChanges(steps=51))


@pytest.mark.parametrize("wrong", [{"dtype": "int8"}, {"steps": 0}, {"checkpoint": "sha256:0"}, {"compile": "half"}])
def test_what_it_cannot_change_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match=next(iter(wrong))):
        parse_changes(wrong)


def test_what_its_parent_drew_is_not_asked_of_it(parent: Manifest) -> None:
    kept = parent.golden[0].model_copy(update={"image": "golden/0.png"})
    variant = variant_of(parent.model_copy(update={"golden": (kept,)}), VariantChanges(steps=8))
    assert [golden.image for golden in variant.golden] == [None]

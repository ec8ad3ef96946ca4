"""A manifest is whole or refused, and its digest is that of the bundle."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.manifest import Manifest, ManifestCode, ManifestError, parse_manifest
from registry.parameters import ParameterError, Requested

DOCUMENT: dict[str, Any] = {
    "checkpoint": "sha256:" + "a" * 64,
    "adapters": [{"name": "style", "file": "adapters/style.safetensors", "scale": 0.8}],
    "scheduler": {"class_name": "DDIMScheduler", "config": {"timestep_spacing": "trailing"}},
    "dtype": "float16",
    "prompt_rewriter": {"name": "expand", "revision": "3", "config": {"words": 40}},
    "filters": [{"name": "nsfw", "revision": "2024-05", "config": {"threshold": 0.7}}],
    "defaults": {"steps": 10, "guidance": 3.0, "width": 64, "height": 64, "n": 1},
    "limits": {
        "min_side": 64,
        "max_side": 64,
        "max_steps": 50,
        "max_guidance": 20.0,
        "max_prompt_length": 30,
        "max_n": 4,
    },
    "golden": [{"prompt": "a yellow ball", "seed": 1}],
    "description": "Better hands.",
    "tags": {"team": "images"},
    "provenance": {"licence": "MIT", "datasets": [{"name": "Emoji", "source": "npm", "licence": "MIT"}]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    *parents, last = path.split(".")
    place: Any = document
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    place[last] = value
    return document


def test_it_survives_json() -> None:
    manifest = parse_manifest(DOCUMENT)
    again = parse_manifest(manifest.model_dump_json())
    assert again == manifest
    assert again.digest == manifest.digest
    assert parse_manifest(json.dumps(DOCUMENT).encode()).digest == manifest.digest


def test_its_digest_never_changes_between_releases() -> None:
    """Stored digests name versions: a change of this value orphans every version registered before."""
    found = parse_manifest(DOCUMENT).digest
    assert found == "sha256:9fadde475deb31c5882dac27f22fed4ce0bd54ffd27e97121a50a2574eca45d2"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("checkpoint", "sha256:" + "b" * 64),
        ("adapters", []),
        ("adapters.0.scale", 0.81),
        ("scheduler", None),
        ("scheduler.config.timestep_spacing", "leading"),
        ("dtype", "float32"),
        ("prompt_rewriter.revision", "4"),
        ("filters.0.config.threshold", 0.71),
        ("defaults.steps", 2),
        ("defaults.guidance", 3.1),
        ("limits.max_n", 5),
        ("golden.0.seed", 2),
    ],
)
def test_its_digest_covers_what_decides_an_image(path: str, value: Any) -> None:
    assert parse_manifest(changed(path, value)).digest != parse_manifest(DOCUMENT).digest


@pytest.mark.parametrize(
    ("path", "value"),
    [("description", "Other words"), ("tags", {}), ("provenance", None), ("defaults.guidance", 3), ("defaults.n", 1)],
)
def test_its_digest_leaves_out_words_about_it(path: str, value: Any) -> None:
    assert parse_manifest(changed(path, value)).digest == parse_manifest(DOCUMENT).digest


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("checkpoint", "a" * 64, "checkpoint"),
        ("checkpoint", "sha256:" + "A" * 64, "checkpoint"),
        ("dtype", "int8", "dtype"),
        ("defaults.steps", 51, "steps must be"),
        ("defaults.steps", 0, "defaults.steps"),
        ("defaults.width", 128, "width must be"),
        ("defaults.guidance", 21, "guidance must be"),
        ("defaults.guidance", math.nan, "defaults.guidance"),
        ("defaults.guidance", math.inf, "defaults.guidance"),
        ("defaults.n", 5, "n must be"),
        ("limits.max_side", 63, "no multiple of side_multiple"),
        ("golden", [], "golden"),
        ("golden.0.prompt", "x" * 31, "prompt must be"),
        ("golden.0.prompt", "", "golden.0.prompt"),
        ("golden.0.seed", -1, "golden.0.seed"),
        ("golden.0.image", "golden/0.gif", "golden.0.image"),
        ("golden.0.tolerance", -1.0, "golden.0.tolerance"),
        ("golden.0.tolerance", 256.0, "golden.0.tolerance"),
        ("adapters.0.file", "adapters/style.bin", "adapters.0.file"),
        ("adapters.0.scale", math.nan, "adapters.0.scale"),
        ("adapters", [DOCUMENT["adapters"][0]] * 2, "the same name"),
        ("adapters", [DOCUMENT["adapters"][0] | {"name": n * 50} for n in "ab"], "more than 100 characters"),
        ("scheduler.class_name", "os.system", "scheduler.class_name"),
        ("scheduler.config.eta", math.nan, "JSON"),
        ("filters.0.name", "a b", "filters.0.name"),
        ("description", "x" * 5001, "description"),
        ("tags", {str(n): "x" * 9999 for n in range(11)}, "100000 bytes"),
        ("schema_version", 2, "schema_version"),
        ("colour", "red", "colour"),
    ],
)
def test_what_does_not_hold_together_is_named(path: str, value: Any, named: str) -> None:
    with pytest.raises(ManifestError) as refused:
        parse_manifest(changed(path, value))
    assert refused.value.code == ManifestCode.INVALID
    assert named in refused.value.message


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 10_000, "{}"])
def test_what_is_no_manifest_at_all(text: bytes | str) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(text)


@given(st.dictionaries(st.sampled_from(sorted(DOCUMENT)), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_whatever_comes_is_a_manifest_or_refused(changes: dict[str, Any]) -> None:
    try:
        manifest = parse_manifest(DOCUMENT | changes)
    except ManifestError:
        return
    assert manifest.digest.startswith("sha256:")


def test_it_answers_a_request() -> None:
    manifest: Manifest = parse_manifest(DOCUMENT)
    assert manifest.resolve(Requested(prompt="a cat", steps=5), fallback_seed=3).steps == 5
    with pytest.raises(ParameterError):
        manifest.resolve(Requested(prompt="a cat", width=0), fallback_seed=3)


NEWER: dict[str, Any] = {
    "pipeline_class": "FluxPipeline",
    "true_cfg_scale": 4.0,
    "max_sequence_length": 256,
    "quantisation": {"scheme": "int8_weight_only"},
    "compile": "blocks",
    "offload": "model",
}


@pytest.mark.parametrize("field", NEWER)
def test_what_came_later_decides_an_image_where_it_is_said(field: str) -> None:
    said = parse_manifest({**DOCUMENT, field: NEWER[field]})
    assert said.digest != parse_manifest(DOCUMENT).digest
    assert parse_manifest(said.model_dump_json()) == said
    assert parse_manifest({**DOCUMENT, field: None}).digest == parse_manifest(DOCUMENT).digest


def test_descent_is_no_part_of_what_it_makes() -> None:
    child = parse_manifest({**DOCUMENT, "parent": "sha256:" + "b" * 64})
    assert child.digest == parse_manifest(DOCUMENT).digest
    assert child.parent is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pipeline_class", "os.system"),
        ("true_cfg_scale", 1.0),
        ("true_cfg_scale", math.inf),
        ("max_sequence_length", 0),
        ("quantisation", {"scheme": "int3"}),
        ("quantisation", {"scheme": "int8_dynamic", "components": []}),
        ("compile", True),
        ("offload", "disk"),
        ("parent", "version 3"),
    ],
)
def test_what_came_later_is_held_to_its_bounds(field: str, value: Any) -> None:
    with pytest.raises(ManifestError, match=field):
        parse_manifest({**DOCUMENT, field: value})


def test_a_manifest_without_the_newer_words_is_written_without_them() -> None:
    assert NEWER.keys() & parse_manifest(DOCUMENT).model_dump(mode="json").keys() == set()
    assert "parent" not in parse_manifest(DOCUMENT).model_dump(mode="json")


SCAN = {"method": "CLIP", "made_on": "2026-11-01", "images": 100, "near_duplicates": 1, "contaminated": 0}


def test_provenance_says_more_without_changing_what_is_stored_of_those_that_say_less() -> None:
    before = parse_manifest(DOCUMENT)
    assert before.model_dump(mode="json")["provenance"] == DOCUMENT["provenance"]
    told = {**DOCUMENT["provenance"], "scan": SCAN, "intended_use": "Avatars", "known_limits": "No text"}
    said = parse_manifest({**DOCUMENT, "provenance": told})
    assert said.model_dump(mode="json")["provenance"] == told
    assert said.digest == before.digest


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("images", 0, "provenance.scan.images"),
        ("near_duplicates", 101, "more images than it looked at"),
        ("contaminated", -1, "provenance.scan.contaminated"),
        ("made_on", "lately", "provenance.scan.made_on"),
        ("method", "", "provenance.scan.method"),
    ],
)
def test_a_scan_that_cannot_have_been_is_named(field: str, value: Any, named: str) -> None:
    with pytest.raises(ManifestError, match=named):
        parse_manifest(changed("provenance", {"licence": "MIT", "scan": {**SCAN, field: value}}))

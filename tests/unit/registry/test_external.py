"""What somebody tells of a version that their own service serves."""

import pytest

from registry.external import ExternalManifest, parse_any, parse_external
from registry.manifest import Manifest, ManifestError

TOLD = {
    "name": "portraits:2026-11-03",
    "checkpoint": "sha256:" + "0" * 64,
    "uri": "s3://models/portraits/2026-11-03",
    "defaults": {"steps": 30, "guidance": 5.0, "width": 512, "height": 512},
    "facts": {"scheduler": "dpm++", "rewriter": "v4"},
    "description": "the autumn release",
}


def test_a_name_is_all_it_takes() -> None:
    manifest = parse_external({"name": "portraits:2026-11-03"})
    assert (manifest.name, manifest.checkpoint, manifest.uri, manifest.defaults) == (
        "portraits:2026-11-03",
        None,
        None,
        None,
    )


def test_it_comes_back_from_its_document_as_what_it_is() -> None:
    manifest = parse_external(TOLD)
    again = parse_any(manifest.model_dump_json())
    assert isinstance(again, ExternalManifest)
    assert again == manifest
    assert again.digest == manifest.digest


def test_a_manifest_of_a_checkpoint_is_read_as_before() -> None:
    document = {
        "checkpoint": "sha256:" + "1" * 64,
        "dtype": "float16",
        "defaults": {"steps": 10, "guidance": 3.0, "width": 64, "height": 64},
        "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 300},
        "golden": [{"prompt": "a red fox", "seed": 7}],
    }
    assert isinstance(parse_any(document), Manifest)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "portraits:2026-11-04"},
        {"checkpoint": None},
        {"uri": None},
        {"facts": {"scheduler": "ddim", "rewriter": "v4"}},
        {"defaults": {"steps": 31, "guidance": 5.0, "width": 512, "height": 512}},
    ],
)
def test_another_fact_is_another_version(changed: dict[str, object]) -> None:
    assert parse_external(TOLD | changed).digest != parse_external(TOLD).digest


def test_other_words_are_the_same_version() -> None:
    assert parse_external(TOLD | {"description": "told better"}).digest == parse_external(TOLD).digest


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 501}, "name"),
        ({"checkpoint": "sha256:1"}, "checkpoint"),
        ({"uri": 7}, "uri"),
        ({"defaults": {"steps": 0, "guidance": 5.0, "width": 512, "height": 512}}, "defaults.steps"),
        ({"facts": {"a b": "c"}}, "facts.a b"),
        ({"facts": {f"f{i}": "" for i in range(101)}}, "facts"),
        ({"facts": {f"f{i}": "x" * 9_999 for i in range(11)}}, "100000 bytes"),
        ({"description": "\0"}, "NUL"),
        ({"limits": {}}, "limits"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ManifestError) as refused:
        parse_external(TOLD | wrong)
    assert refused.value.code == "manifest_invalid"
    assert named in refused.value.message


@pytest.mark.parametrize("document", ["", "[]", '"external"', "{", "{}", b"\xff"])
def test_what_is_no_manifest_is_refused(document: str | bytes) -> None:
    with pytest.raises(ManifestError):
        parse_any(document)

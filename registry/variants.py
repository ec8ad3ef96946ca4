"""Variants: a version's bundle, loaded in other precision, compiled, or run in fewer steps. Made to cost less."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from registry.manifest import Manifest, ManifestCode, ManifestError, Quantisation, Scheduler, invalid, parse_manifest
from registry.parameters import Part, Real, Whole


class VariantChanges(Part):
    """What a variant does otherwise than its parent. None leaves it as the parent has it."""

    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    quantisation: Quantisation | None = None
    compile: Literal["blocks", "whole"] | None = None
    offload: Literal["model", "sequential"] | None = None
    scheduler: Scheduler | None = None
    steps: Whole | None = Field(None, description="The new default; the limits stay")
    guidance: Real | None = Field(None, description="The new default; the limits stay")
    description: str = Field("", max_length=5_000)


def parse_changes(document: Mapping[str, object]) -> VariantChanges:
    """Raises ManifestError that names each field in error."""
    try:
        return VariantChanges.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from error


def variant_of(parent: Manifest, changes: VariantChanges) -> Manifest:
    """The manifest of the variant. Raises ManifestError, also when nothing that decides an image would change."""
    told = changes.model_dump(mode="json", exclude_none=True)
    defaults = {field: told.pop(field) for field in ("steps", "guidance") if field in told}
    document = parent.model_dump(mode="json")
    # What the parent drew is not what the variant will.
    for golden in document["golden"]:
        golden.pop("image", None)
    variant = parse_manifest(
        {**document, **told, "defaults": {**document["defaults"], **defaults}, "parent": parent.digest}
    )
    if variant.digest == parent.digest:
        raise ManifestError(
            ManifestCode.VARIANT_UNCHANGED,
            "The variant would be its parent again. Say what it does otherwise: dtype, quantisation, compile, offload, "
            "scheduler, steps or guidance.",
        )
    return variant

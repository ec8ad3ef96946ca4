"""A version that somebody else's service serves: named and described, its checkpoint never handed over."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from registry.digests import Digest, canonical_json, digest_of
from registry.manifest import MAX_BYTES, Manifest, Name, Provenance, Text, invalid, parse_manifest
from registry.parameters import Defaults, Part

KIND = "external"


class ExternalManifest(Part):
    """What a team tells of a version that its own service serves. Nothing of it is checked: there is nothing to see.

    ``digest`` names it: the same facts told twice are one version.
    """

    kind: Literal["external"]
    schema_version: Literal[1] = 1
    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    """What their service calls it: a release, an image's tag, a model's name."""
    checkpoint: Digest | None = None
    """Of the weights, by whatever rule they are digested there."""
    uri: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    """Where the checkpoint lies. Kept for people: it is never opened."""
    defaults: Defaults | None = None
    """What a request that leaves a parameter out is given; None: the parameters of images are taken as they come."""
    facts: dict[Name, Text] = Field(default_factory=dict, max_length=100)
    """Whatever else decides its images: scheduler, precision, adapters, the rewriter's revision."""
    description: Annotated[str, StringConstraints(max_length=5_000)] = ""
    tags: dict[Name, Text] = Field(default_factory=dict)
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        text = canonical_json(self.model_dump(mode="json"))
        if len(text) > MAX_BYTES:
            raise ValueError(f"it takes more than {MAX_BYTES} bytes of JSON")
        if b"\\u0000" in text:
            raise ValueError("text must not contain NUL")  # PostgreSQL refuses it
        return self

    @cached_property
    def digest(self) -> str:
        """Over all that tells one version from another; words about it are not part of it."""
        return digest_of(canonical_json(self.model_dump(mode="json", exclude={"description", "tags", "provenance"})))


AnyManifest: TypeAlias = Manifest | ExternalManifest

_DOCUMENT: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


def parse_external(document: Mapping[str, object]) -> ExternalManifest:
    """Raises ManifestError that names each field in error."""
    try:
        return ExternalManifest.model_validate({**document, "kind": KIND})
    except ValidationError as error:
        raise invalid(error) from error


def parse_any(document: bytes | str | Mapping[str, object]) -> AnyManifest:
    """The manifest of a version, whoever serves it. Raises ManifestError."""
    try:
        fields = _DOCUMENT.validate_json(document) if isinstance(document, bytes | str) else document
    except ValidationError as error:
        raise invalid(error) from error
    return parse_external(fields) if fields.get("kind") == KIND else parse_manifest(fields)

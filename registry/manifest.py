"""The manifest of a version: everything but the environment that decides which images it makes."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, JsonValue, StringConstraints, ValidationError, model_validator

from registry.digests import Digest, canonical_json, digest_of
from registry.errors import Kind, RegistryError
from registry.parameters import (
    MAX_SEED,
    Defaults,
    GenerationParameters,
    Limits,
    ParameterError,
    Part,
    Real,
    Requested,
    Whole,
    resolve,
)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Text = Annotated[str, StringConstraints(max_length=10_000)]

ClassName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,99}$")]

MAX_BYTES = 100_000
"""What a registry takes as one value."""

MAX_ADAPTER = 100
"""Characters that a generation has for the adapters it was made with."""


def _unset(value: object) -> bool:
    """What came after the first release is left out where it is not used: the digests given out before stay theirs."""
    return value is None


class ManifestCode(StrEnum):
    INVALID = "manifest_invalid"
    OTHER_CHECKPOINT = "manifest_other_checkpoint"
    ADAPTER_MISSING = "manifest_adapter_missing"
    ADAPTER_INVALID = "manifest_adapter_invalid"
    GOLDEN_MISSING = "manifest_golden_missing"
    VARIANT_UNCHANGED = "manifest_variant_unchanged"


class ManifestError(RegistryError):
    kind: ClassVar[Kind] = Kind.INVALID


class Adapter(Part):
    """Low-rank weights put on top of the checkpoint. ``file`` lies in the checkpoint's folder, under its digest."""

    name: Name
    file: Annotated[str, StringConstraints(pattern=r"\.safetensors$", max_length=500)]
    scale: Real = 1.0


class Scheduler(Part):
    """Replaces the checkpoint's own scheduler; ``config`` overrides single values of its configuration."""

    class_name: ClassName
    config: dict[str, JsonValue] = Field(default_factory=dict)


class Quantisation(Part):
    """Weights held in fewer bits from the moment they are loaded, by torchao; the files stay as they are."""

    scheme: Literal["int8_weight_only", "int8_dynamic", "float8_weight_only"]
    """What is held in so few bits: the weights, or with ``dynamic`` what is multiplied with them as well."""
    components: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(None, exclude_if=_unset)
    """Of the pipeline, by the names of ``model_index.json``; None: the denoiser, which is most of it."""


class Hook(Part):
    """A named step before or after the pipeline, run by the engine. ``revision`` pins what it does."""

    name: Name
    revision: Name
    config: dict[str, JsonValue] = Field(default_factory=dict)


class Golden(Part):
    """An image that the engine makes before it takes traffic, at the defaults."""

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    seed: Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)]
    image: Annotated[str, StringConstraints(pattern=r"\.png$", max_length=500)] | None = Field(None, exclude_if=_unset)
    """What it looked like when the version was registered: a file in the checkpoint's folder. None: not kept."""
    tolerance: Annotated[Real, Field(ge=0, le=255)] | None = Field(None, exclude_if=_unset)
    """How far it may be off, as a mean over all values in levels of 255. None: the engine's own measure."""


class Dataset(Part):
    name: Text
    source: Text
    licence: Text


class Scan(Part):
    """A search of all training images for near-duplicates, and for images that versions are judged by."""

    method: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    """What searched, by which measure and threshold."""
    made_on: date
    images: Annotated[int, Field(ge=1, strict=True)]
    """Training images that were looked at."""
    near_duplicates: Annotated[int, Field(ge=0, strict=True)]
    """Of these, the ones left in that are near-duplicates of others."""
    contaminated: Annotated[int, Field(ge=0, strict=True)]
    """Of these, the ones left in that are near-duplicates of images that versions are judged by."""

    @model_validator(mode="after")
    def _counts_what_it_saw(self) -> Self:
        if max(self.near_duplicates, self.contaminated) > self.images:
            raise ValueError("it found more images than it looked at")
        return self


class Provenance(Part):
    """Where the weights come from, what they are for, and what is known to go wrong."""

    licence: Text
    datasets: tuple[Dataset, ...] = ()
    scan: Scan | None = Field(None, exclude_if=_unset)
    intended_use: Text | None = Field(None, exclude_if=_unset)
    known_limits: Text | None = Field(None, exclude_if=_unset)


_WORDS: Final = {"parent", "description", "tags", "provenance"}


class Manifest(Part):
    """One bundle. ``digest`` names it: two bundles of one digest make the same images in the same environment."""

    schema_version: Literal[1] = 1
    checkpoint: Digest
    """Digest of the checkpoint's folder, adapters included."""
    adapters: tuple[Adapter, ...] = ()
    scheduler: Scheduler | None = None
    """None: the checkpoint's own."""
    dtype: Literal["float32", "float16", "bfloat16"]
    pipeline_class: ClassName | None = Field(None, exclude_if=_unset)
    """Of diffusers. None: as ``model_index.json`` says."""
    true_cfg_scale: Annotated[Real, Field(gt=1)] | None = Field(None, exclude_if=_unset)
    """Classifier-free guidance beside a distilled one, where a pipeline has both (FLUX.1-dev): it doubles the time and
    makes negative prompts work. None: off."""
    max_sequence_length: Whole | None = Field(None, exclude_if=_unset)
    """Tokens of a prompt that are read, where a pipeline lets one say. None: as the pipeline does."""
    quantisation: Quantisation | None = Field(None, exclude_if=_unset)
    compile: Literal["blocks", "whole"] | None = Field(None, exclude_if=_unset)
    """Compile the denoiser: the block that it repeats, or all of it, which takes minutes longer to be ready."""
    offload: Literal["model", "sequential"] | None = Field(None, exclude_if=_unset)
    """Keep on the GPU only the component, or only the layer, that computes. None: all of it."""
    prompt_rewriter: Hook | None = None
    filters: tuple[Hook, ...] = ()
    defaults: Defaults
    limits: Limits
    golden: Annotated[tuple[Golden, ...], Field(min_length=1)]
    parent: Digest | None = Field(None, exclude_if=_unset)
    """Digest of the bundle that this one is a variant of: made to be faster or smaller, not to draw otherwise."""
    description: Annotated[str, StringConstraints(max_length=5_000)] = ""
    tags: dict[Name, Text] = Field(default_factory=dict)
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        try:
            for golden in self.golden:
                self.resolve(Requested(prompt=golden.prompt, seed=golden.seed), fallback_seed=0)
        except ParameterError as error:
            raise ValueError(f"the defaults or a golden prompt break the limits: {error.message}") from error
        names = [adapter.name for adapter in self.adapters]
        if len(set(names)) != len(names):
            raise ValueError("two adapters have the same name")
        if len(self.adapter or "") > MAX_ADAPTER:
            raise ValueError(f"the names of the adapters take more than {MAX_ADAPTER} characters together")
        # This also refuses what has no canonical form, such as a NaN in a config.
        if len(canonical_json(self.model_dump(mode="json"))) > MAX_BYTES:
            raise ValueError(f"it takes more than {MAX_BYTES} bytes of JSON")
        return self

    def resolve(self, requested: Requested, *, fallback_seed: int) -> GenerationParameters:
        """What this version makes of a request. Raises ParameterError; see registry.parameters.resolve."""
        return resolve(requested, self.defaults, self.limits, fallback_seed=fallback_seed)

    @property
    def adapter(self) -> str | None:
        """The names of its adapters, as generations carry them; None without."""
        return "+".join(adapter.name for adapter in self.adapters) or None

    @cached_property
    def digest(self) -> str:
        """Over all that decides an image or an answer; words about the bundle and its descent are not part of it."""
        return digest_of(canonical_json(self.model_dump(mode="json", exclude=_WORDS)))


def parse_manifest(document: bytes | str | Mapping[str, object]) -> Manifest:
    """A manifest from JSON or from a mapping. Raises ManifestError that names each field in error."""
    try:
        if isinstance(document, bytes | str):
            return Manifest.model_validate_json(document)
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from error


def parse_provenance(document: bytes | str | Mapping[str, object]) -> Provenance:
    """Provenance alone. Raises ManifestError that names each field in error."""
    try:
        if isinstance(document, bytes | str):
            return Provenance.model_validate_json(document)
        return Provenance.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> ManifestError:
    """Names each field in error."""
    problems = "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'manifest'}: {problem['msg']}" for problem in error.errors()
    )
    return ManifestError(ManifestCode.INVALID, f"The manifest does not hold together. Mend: {problems}")

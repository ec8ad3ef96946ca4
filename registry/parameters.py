"""A request's parameters, completed by a version's defaults and held to its limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from registry.errors import Kind, RegistryError

MAX_SEED = 2**53 - 1
"""The largest integer that every reader of JSON carries exactly."""

Whole = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Real = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False, strict=True)]


class ParameterError(RegistryError):
    """One parameter of a request is outside the limits. ``allowed`` says in words what it may be."""

    kind: ClassVar[Kind] = Kind.INVALID

    def __init__(self, field: str, allowed: str, found: str) -> None:
        super().__init__("parameter_invalid", f"{field} must be {allowed}; it is {found}.")
        self.field = field
        self.allowed = allowed


class Part(BaseModel):
    """Base of everything a manifest is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Defaults(Part):
    """What a request that leaves a parameter out is given. Sides in pixels."""

    steps: Whole
    guidance: Real
    width: Whole
    height: Whole
    n: Whole = 1


class Size(Part):
    """In pixels."""

    width: Whole
    height: Whole


class Limits(Part):
    """What a request may ask for. Sides in pixels, prompts in characters; every bound is itself allowed."""

    sizes: tuple[Size, ...] = ()
    """The only sizes allowed; when empty, any size within the bounds of the sides."""
    min_side: Whole
    max_side: Whole
    side_multiple: Whole = 8
    max_steps: Whole
    min_guidance: Real = 0.0
    max_guidance: Real
    max_prompt_length: Whole
    max_n: Whole = 1

    @property
    def sides(self) -> Iterator[int]:
        """Every length that a side may have."""
        if self.sizes:
            return (side for size in self.sizes for side in (size.width, size.height))
        first = -(-self.min_side // self.side_multiple) * self.side_multiple
        return iter(range(first, self.max_side + 1, self.side_multiple))

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.max_side // self.side_multiple * self.side_multiple < self.min_side:
            raise ValueError(
                f"no multiple of side_multiple {self.side_multiple} lies from min_side {self.min_side} "
                f"to max_side {self.max_side}"
            )
        if self.min_guidance > self.max_guidance:
            raise ValueError(f"min_guidance {self.min_guidance} is above max_guidance {self.max_guidance}")
        for size in self.sizes:
            for field, side in (("width", size.width), ("height", size.height)):
                _check_side(field, side, self)
        return self


@dataclass(frozen=True, kw_only=True)
class Requested:
    """What a request asks for; None leaves a parameter to the version's defaults."""

    prompt: str
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    n: int | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class GenerationParameters:
    """All that an engine is told about one request. Sides in pixels; image ``i`` of ``n`` is made with ``seed + i``."""

    prompt: str
    negative_prompt: str
    width: int
    height: int
    steps: int
    guidance: float
    n: int
    seed: int


def resolve(requested: Requested, defaults: Defaults, limits: Limits, *, fallback_seed: int) -> GenerationParameters:
    """Fill in the defaults and check every parameter. Raises ParameterError for the first one outside the limits.

    ``fallback_seed`` is the seed of a request that names none: drawn by the caller, so that this stays pure.
    """
    width = defaults.width if requested.width is None else requested.width
    height = defaults.height if requested.height is None else requested.height
    _check_side("width", width, limits)
    _check_side("height", height, limits)
    if limits.sizes and Size(width=width, height=height) not in limits.sizes:
        allowed = ", ".join(f"{size.width}x{size.height}" for size in limits.sizes)
        raise ParameterError("size", f"one of {allowed}", f"{width}x{height}")
    n = _whole("n", defaults.n if requested.n is None else requested.n, 1, limits.max_n)
    return GenerationParameters(
        prompt=_prompt("prompt", requested.prompt, 1, limits),
        negative_prompt=_prompt("negative_prompt", requested.negative_prompt or "", 0, limits),
        width=width,
        height=height,
        steps=_whole("steps", defaults.steps if requested.steps is None else requested.steps, 1, limits.max_steps),
        guidance=_guidance(defaults.guidance if requested.guidance is None else requested.guidance, limits),
        n=n,
        seed=_whole("seed", fallback_seed if requested.seed is None else requested.seed, 0, MAX_SEED - n + 1),
    )


def _whole(field: str, value: int, low: int, high: int) -> int:
    # bool is an int to Python, and a caller without types may pass a float: neither is a count.
    if type(value) is not int or not low <= value <= high:
        raise ParameterError(field, f"a whole number from {low} to {high}", _shown(value))
    return value


def _check_side(field: str, value: int, limits: Limits) -> None:
    step = limits.side_multiple
    if type(value) is not int or value % step or not limits.min_side <= value <= limits.max_side:
        allowed = f"a multiple of {step} from {limits.min_side} to {limits.max_side} pixels"
        raise ParameterError(field, allowed, _shown(value))


def _guidance(value: float, limits: Limits) -> float:
    # Stated as what is allowed: a comparison with NaN is false.
    if type(value) not in (int, float) or not limits.min_guidance <= value <= limits.max_guidance:
        allowed = f"a number from {limits.min_guidance:g} to {limits.max_guidance:g}"
        raise ParameterError("guidance", allowed, _shown(value))
    return float(value)


def _prompt(field: str, text: str, shortest: int, limits: Limits) -> str:
    if not shortest <= len(text) <= limits.max_prompt_length:
        allowed = f"{shortest} to {limits.max_prompt_length} characters long"
        raise ParameterError(field, allowed, f"{len(text)} characters long")
    # Databases refuse NUL, and a lone surrogate has no UTF-8: such a prompt could be answered but never logged.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ParameterError(field, "text without NUL characters and lone surrogates", "not such text")
    return text


def _shown(value: object) -> str:
    return repr(value)[:80]

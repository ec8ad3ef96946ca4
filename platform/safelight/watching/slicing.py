"""Which slices a generation falls into. Pure: decided from its record and its version's defaults."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from registry.parameters import Defaults
from safelight.settings import SliceAttribute
from safelight.store.slices import Slice
from safelight.watching.samples import asked


@dataclass(frozen=True)
class Slicing:
    """Which attributes make slices, and how many values of them have one of their own, generator by generator."""

    attributes: tuple[SliceAttribute, ...]
    most: int


class ParameterClass(StrEnum):
    """How a request departs from what its version does when nothing is asked."""

    DEFAULT = "default"
    FEW_STEPS = "few_steps"
    LARGE = "large"


class Made(Protocol):
    """What slices are cut by."""

    @property
    def replica(self) -> str | None: ...
    @property
    def adapter(self) -> str | None: ...
    @property
    def tenant(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...


def slices_of(made: Made, defaults: Defaults | None, attributes: Iterable[SliceAttribute]) -> Iterator[Slice]:
    """At most one for each attribute; none for one that is not known of the generation."""
    for attribute in attributes:
        value = _value(made, defaults, attribute)
        if value is not None:
            yield Slice(attribute, value)


def parameter_class(resolved: Mapping[str, Any], defaults: Defaults) -> ParameterClass:
    """Half the version's steps or fewer is few; twice its pixels or more is large."""
    request = asked(resolved, defaults)
    if 2 * request["steps"] <= defaults.steps:
        return ParameterClass.FEW_STEPS
    if request["width"] * request["height"] >= 2 * defaults.width * defaults.height:
        return ParameterClass.LARGE
    return ParameterClass.DEFAULT


def _value(made: Made, defaults: Defaults | None, attribute: SliceAttribute) -> str | None:
    match attribute:
        case SliceAttribute.REPLICA:
            return made.replica
        case SliceAttribute.ADAPTER:
            return made.adapter
        case SliceAttribute.TENANT:
            return made.tenant
        case SliceAttribute.REGION:
            return made.region
        case SliceAttribute.PARAMETERS:
            return None if defaults is None else parameter_class(made.parameters, defaults).value

"""Which gates a generator's versions have to pass, and with what margins: a document that its owner writes."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints, ValidationError

from registry.errors import Kind, RegistryError
from registry.parameters import Part

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class GatePolicyInvalid(RegistryError):
    kind: ClassVar[Kind] = Kind.INVALID

    def __init__(self, problems: str) -> None:
        super().__init__("gate_policy_invalid", f"The gate policy does not hold together. Mend: {problems}")


class ProvenanceTerms(Part):
    """What the manifest's provenance has to say."""

    licences: (
        Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...], Field(max_length=100)]
        | None
    ) = None
    """Licences that the weights and every data set may have, as the manifest writes them; None: any that is named."""
    near_duplicates: Share = 0.01
    """The largest share of near-duplicates left among the training images."""


class Margins(Part):
    """What a version may lose against the one that serves and still not be called worse. None: not asked."""

    alignment: Share | None = 0.01
    """Mean alignment with the prompt, a cosine."""
    broken_rate: Share | None = 0.05
    """Broken images more, as a share of all."""
    diversity: Share | None = None
    """The Vendi score, as a share of the serving version's. It takes a probe set of 200 or more."""
    latency: Share | None = 0.15
    """Time of an image on its engine in a batch of the same size, as a share of the serving version's."""
    cost: Share | None = 0.15
    """An image's part of its engine's time, as a share of the serving version's."""


class ProbeTerms(Part):
    """Probes of both versions on the same prompts and seeds, made when the version is promoted."""

    probe_set: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "synthetic"
    pairs: Annotated[int, Field(ge=16, le=1024, strict=True)] | None = None
    """The first so many probes of the set; None: all of it."""
    margins: Margins = Margins()


class GatePolicy(Part):
    """Beside these, every version has to be whole, loadable and not quarantined, whatever the policy says."""

    schema_version: Annotated[int, Field(ge=1, le=1, strict=True)] = 1
    provenance: ProvenanceTerms | None = None
    """None: not required."""
    paired_probes: ProbeTerms | None = None
    """None: not required."""
    variant: bool = False
    """Whether a variant has to be measured beside its parent."""
    approvals: Annotated[int, Field(ge=0, le=5, strict=True)] = 0
    """How many people other than who registered and who promotes the version have to approve of it."""


def parse_policy(document: bytes | str | Mapping[str, object]) -> GatePolicy:
    """A policy from JSON or from a mapping. Raises GatePolicyInvalid, which names each field in error."""
    try:
        if isinstance(document, bytes | str):
            return GatePolicy.model_validate_json(document)
        return GatePolicy.model_validate(document)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, each['loc'])) or 'policy'}: {each['msg']}" for each in error.errors())
        raise GatePolicyInvalid("; ".join(problems)) from error

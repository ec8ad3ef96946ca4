"""Attributes that prompts leave open."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from monitors.estimates import FEWEST_VALUES, Estimate
from monitors.shares import shares
from safelight.store.attributes import Attribute, Reading

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class AttributeDocument(BaseModel):
    """What to watch: of images whose prompt contains `about`, which phrase describes each best?"""

    model_config = ConfigDict(extra="forbid")

    about: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = Field(
        "", description="A word or phrase of the prompts it is asked of; empty: of all"
    )
    options: list[Phrase] = Field(min_length=2, max_length=8, examples=[["a photo of a man", "a photo of a woman"]])

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len({option.casefold() for option in self.options}) < len(self.options):
            raise ValueError("the options must differ")
        return self


class OptionShare(BaseModel):
    """How many images show an option; the share is null where too few show any clearly."""

    option: str
    count: int
    share: float | None
    low: float | None
    high: float | None


class AttributeReadingInfo(BaseModel):
    """The day before `at`, of one version. The intervals hold for all options together, with 95 %."""

    at: datetime
    version: int
    embedder_digest: str
    n: int
    unclear: int
    needed: int = Field(description="Images that must show an option clearly before shares are given")
    shares: list[OptionShare]

    @classmethod
    def of(cls, attribute: Attribute, reading: Reading) -> Self:
        found = shares(reading.counts, reading.unclear)
        return cls(
            at=reading.slot,
            version=reading.version,
            embedder_digest=reading.embedder_digest,
            n=found.n,
            unclear=found.unclear,
            needed=FEWEST_VALUES,
            shares=[
                OptionShare(option=option, count=count, share=figure.value, low=figure.low, high=figure.high)
                if isinstance(figure, Estimate)
                else OptionShare(option=option, count=count, share=None, low=None, high=None)
                for option, count, figure in zip(attribute.options, reading.counts, found.figures, strict=True)
            ],
        )


class AttributeInfo(BaseModel):
    """An attribute and its newest reading."""

    name: str
    about: str
    options: list[str]
    created_at: datetime
    created_by: str
    latest: AttributeReadingInfo | None

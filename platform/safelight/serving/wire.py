"""What a gateway and an engine say to each other: an order and its facts."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from registry.parameters import GenerationParameters
from safelight.ids import new_id
from safelight.serving.rendering import Finish

FACTS_HEADER = "x-safelight-facts"
"""Carries the facts as ASCII JSON beside the PNG that is the body."""


class Order(BaseModel):
    """Make one image, unless it takes longer than `seconds`: a duration, for clocks of two hosts differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: GenerationParameters
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    defer: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """For so many seconds people's requests, which have 0, go first: nobody waits for this image."""
    id: UUID = Field(default_factory=new_id)
    """Of the image; its progress is asked for by it."""
    request: UUID = Field(default_factory=new_id)
    siblings: Annotated[int, Field(ge=1)] = 1
    """How many images of the request are sent to this engine together, this one included."""
    account: str = ""
    """Whose it is: accounts take turns."""


class Progress(BaseModel):
    """How far an engine has come with an image. `ahead` counts the images that were given to it before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    steps: int
    ahead: int


class Facts(BaseModel):
    """How an image was made. Times in milliseconds; `position` counts from 0 within the batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finish: Finish
    queue_ms: float
    engine_ms: float
    batch_size: int
    position: int
    scheduler: str
    environment: dict[str, str | int]
    environment_digest: str

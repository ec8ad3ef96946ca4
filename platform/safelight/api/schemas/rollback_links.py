"""Links in messages that roll back."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from registry.progress import State
from safelight.api.schemas.releases import Why
from safelight.responding.links import LinkState

Token = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class LinkToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Token = Field(description="What follows the # of the link's address")


class UseLink(LinkToken):
    reason: Why = ""


class RollbackLink(BaseModel):
    """What a link would do, and whether it still does it."""

    state: LinkState
    explanation: str = Field(description="Why it does nothing; empty while it works")
    expires_at: datetime
    generator: str
    incident_id: UUID
    title: str = Field(description="The incident's")
    from_version: int
    to_version: int
    warm: bool = Field(description="Whether the version to go back to is loaded: then it takes less than a second")
    release_state: State | None = Field(description="How far the rollback has come that it was used for")

"""Requests to be forgotten."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from safelight.store.erasures import Erasure as KnownErasure
from safelight.store.erasures import ErasureState, Subject


class RequestErasure(BaseModel):
    """Who is to be forgotten: an end user, a tenant, or whoever used a key. Exactly one of the three."""

    model_config = ConfigDict(extra="forbid")

    tenant: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    api_key_id: UUID | None = None
    end_user: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    reason: Annotated[str, Field(max_length=500, description="For the audit log")] = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if [self.tenant, self.api_key_id, self.end_user].count(None) != 2:
            raise ValueError("name an end_user, a tenant or an api_key_id, and one of them only")
        return self

    @property
    def subject(self) -> Subject:
        return Subject(self.tenant, self.api_key_id, self.end_user)


class Erasure(BaseModel):
    """A request to forget somebody, and how far it has come."""

    id: UUID
    tenant: str | None
    api_key_id: UUID | None
    end_user: str | None
    reason: str
    state: ErasureState
    erased: Annotated[int, Field(description="Generations deleted so far")]
    requested_at: Annotated[datetime, Field(description="What was recorded up to here is deleted")]
    requested_by: str
    finished_at: datetime | None

    @classmethod
    def of(cls, known: KnownErasure) -> Self:
        return cls(
            id=known.id,
            tenant=known.subject.tenant,
            api_key_id=known.subject.api_key_id,
            end_user=known.subject.end_user,
            reason=known.reason,
            state=known.state,
            erased=known.erased,
            requested_at=known.requested_at,
            requested_by=known.requested_by,
            finished_at=known.finished_at,
        )

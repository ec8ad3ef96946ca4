"""Sessions, keys and the audit log."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, model_validator

from safelight.access import Role

ShortName = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class Login(BaseModel):
    """Either the token of a one-time link or an API key."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = None
    key: SecretStr | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.token is None) == (self.key is None):
            raise ValueError("send either 'token' or 'key'")
        return self


class SessionInfo(BaseModel):
    """Who is logged in."""

    name: str
    role: Role


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: ShortName
    role: Role


class KeyInfo(BaseModel):
    """An API key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class CreatedKey(KeyInfo):
    """The one time a key's secret is shown."""

    secret: str


class AuditLine(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    actor: str
    action: str
    target: str
    detail: str

"""Who may do what: roles, permissions, and the secrets that prove them. Pure; the rows are in `store/access.py`."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from safelight.errors import Kind, SafelightError


class Permission(StrEnum):
    """One thing a route can ask for."""

    READ = "read"
    GENERATE = "generate"
    OPERATE = "operate"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What a key or a person is trusted with."""

    VIEWER = "viewer"
    CLIENT = "client"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        return _PERMISSIONS[self]


# A client's key lives in somebody's product: it makes images and records them, and reads nobody's prompts.
_PERMISSIONS = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.CLIENT: frozenset({Permission.GENERATE}),
    Role.OPERATOR: frozenset({Permission.READ, Permission.GENERATE, Permission.OPERATE}),
    Role.ADMIN: frozenset(Permission),
}

_OURS = frozenset({"safelight", "mlflow"})
_PREFIXES = ("cli:", "link:", "target:")


@dataclass(frozen=True)
class Principal:
    """Who is asking."""

    name: str
    role: Role
    key_id: UUID | None = None

    def may(self, permission: Permission) -> bool:
        return permission in self.role.permissions


def require_own_name(name: str) -> None:
    """Of a key or a person. Raises `name_reserved`: brakes count, and auditors read, by what Safelight calls itself."""
    if name.strip().lower() in _OURS or name.startswith(_PREFIXES):
        message = f"The ledger and the audit log call a part of Safelight itself {name!r}. Choose another name."
        raise SafelightError(Kind.INVALID, "name_reserved", message)


def new_secret(prefix: str) -> str:
    """A secret of 256 random bits; the prefix tells scanners and people what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def fingerprint(secret: str) -> str:
    """What is stored of a secret. Plain SHA-256 is enough for 256 random bits; it is not for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()

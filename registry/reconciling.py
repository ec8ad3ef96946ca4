"""What stands in the registry against what should: edits behind the ledger's back, and what is to be done about each.

The ledger says what serves; the registry's alias is its projection, and a version never changes. So whatever differs
was done by somebody else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from registry.external import AnyManifest
from registry.versions import Standing


class EditPolicy(StrEnum):
    """What becomes of an alias that somebody else moved."""

    PUT_BACK = "put_back"
    ADOPT = "adopt"
    """It is taken for the wish to release that version."""


class Change(StrEnum):
    ALIAS_MOVED = "alias_moved"
    ALIAS_DELETED = "alias_deleted"
    MANIFEST_CHANGED = "manifest_changed"
    """The tags that say what the version is were changed or deleted."""
    VERSION_DELETED = "version_deleted"


class Remedy(StrEnum):
    PUT_BACK = "put_back"
    ADOPT = "adopt"
    """A release of the version that the alias was moved to, as if it had been promoted here."""
    WITHDRAW = "withdraw"
    """The version is gone for good, and nothing rests on it: it is no longer offered."""
    PAGE = "page"
    """The version is gone for good, and something rests on it: a person has to decide."""


class Outcome(StrEnum):
    """How an edit came to its end."""

    PUT_BACK = "put_back"
    ADOPTED = "adopted"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    """The version is there again, as from a backup of the registry."""
    REPLACED = "replaced"
    """By another edit, before anything came of this one."""


OF_ALIAS = (Change.ALIAS_MOVED, Change.ALIAS_DELETED)
HELD = frozenset({Remedy.PUT_BACK, Remedy.ADOPT})
"""What waits while nothing is to be done automatically: it changes the registry, or what serves."""


@dataclass(frozen=True)
class Edit:
    change: Change
    version: int
    """The one that was changed or deleted, or that the alias was taken from."""
    found: int | None = None
    """Where the alias was moved to."""

    def __str__(self) -> str:
        match self.change:
            case Change.ALIAS_MOVED:
                return f"the alias production was moved from version {self.version} to version {self.found}"
            case Change.ALIAS_DELETED:
                return f"the alias production was taken off version {self.version}"
            case Change.MANIFEST_CHANGED:
                return f"the tags that describe version {self.version} were changed"
            case Change.VERSION_DELETED:
                return f"version {self.version} was deleted"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the platform knows of one generator."""

    serving: int | None
    """What the ledger says should serve; None before the first promote."""
    written: int | None
    """Where the alias was last put by us; None: never."""
    manifests: Mapping[int, AnyManifest]
    """By number, of every version that was there when it was last looked at."""


def edits(recorded: Recorded, standing: Standing) -> tuple[Edit, ...]:
    """What somebody else has changed. An alias that merely lags behind the ledger is none."""
    found = []
    for number, manifest in recorded.manifests.items():
        if number not in standing.manifests:
            found.append(Edit(Change.VERSION_DELETED, number))
        elif standing.manifests[number] != manifest:
            found.append(Edit(Change.MANIFEST_CHANGED, number))
    alias = _alias_edit(recorded, standing)
    return tuple(found) if alias is None else (*found, alias)


def remedy(edit: Edit, policy: EditPolicy, needed: Collection[int]) -> Remedy:
    """``needed`` are the versions that serve or may have to.

    A version is its bundle: tags that speak of another are put back whatever the policy, and so is an alias that was
    deleted, for there is nothing in it to release.
    """
    if edit.change is Change.VERSION_DELETED:
        return Remedy.PAGE if edit.version in needed else Remedy.WITHDRAW
    if edit.change is Change.ALIAS_MOVED and policy is EditPolicy.ADOPT:
        return Remedy.ADOPT
    return Remedy.PUT_BACK


def ended(
    edit: Edit, seen: Collection[Edit], standing: Standing, *, serving: int | None, needed: Collection[int]
) -> Outcome | None:
    """What became of an edit noticed earlier, ``seen`` being those that are seen now; None while it stands."""
    if edit.change is Change.VERSION_DELETED:
        if edit.version in standing.manifests:
            return Outcome.RETURNED
        return None if edit.version in needed else Outcome.WITHDRAWN
    if edit in seen:
        return None
    if edit.change in OF_ALIAS:
        if any(other.change in OF_ALIAS for other in seen):
            return Outcome.REPLACED
        if edit.found is not None and edit.found == serving:
            return Outcome.ADOPTED
    return Outcome.PUT_BACK


def _alias_edit(recorded: Recorded, standing: Standing) -> Edit | None:
    written, now = recorded.written, standing.production
    if written is None or now in (written, recorded.serving):
        return None
    if now is not None:
        return Edit(Change.ALIAS_MOVED, written, now)
    # A registry drops the aliases of a version with it: that is one edit.
    return Edit(Change.ALIAS_DELETED, written) if written in standing.manifests else None

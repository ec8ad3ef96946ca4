"""Lists page by keyset: `next` of one answer is `before` of the next request."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most")]


class Page(BaseModel, Generic[Item]):
    """Items, the newest first; `next` is null on the last page."""

    items: list[Item]
    next: str | None = None


class Items(BaseModel, Generic[Item]):
    """A list short enough to come whole."""

    items: list[Item]

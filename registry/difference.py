"""What is different between two documents, value by value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True)
class Change:
    """One value; ``path`` joins the keys that lead to it. A value that one side lacks is None there."""

    path: str
    before: Json
    after: Json


def changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Change]:
    """In the order of their paths. Lists are values: what moved within one is for people to see."""
    return list(_changes("", before, after))


def _changes(prefix: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        was, became, path = before.get(key), after.get(key), f"{prefix}{key}"
        if isinstance(was, Mapping) and isinstance(became, Mapping):
            yield from _changes(f"{path}.", was, became)
        elif was != became:
            yield Change(path, was, became)

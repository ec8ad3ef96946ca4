"""Monitors in a TOML file, many at once, to be kept beside the code they watch."""

import json
import tomllib
from collections.abc import Iterable
from typing import Any

from safelight.errors import Kind, SafelightError
from safelight.watching.applying import Definition

TABLE = "monitor"


def read(text: str) -> list[Definition]:
    """What the `[[monitor]]` tables of a file say: `generator`, `name`, perhaps `enabled`, and the document's own keys.

    Raises SafelightError `monitor_file_invalid` for a file that is not made of such tables; what their documents say is
    for `applying` to judge.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid([f"it is no TOML: {error}"]) from error
    tables = content.pop(TABLE, [])
    faults = [f"there is no place for {key!r} beside [[{TABLE}]]" for key in content]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _invalid([*faults, f"each monitor is a table [[{TABLE}]], with two brackets"])
    if not tables:
        faults.append(f"it holds no [[{TABLE}]]")
    faults += [fault for place, table in enumerate(tables, 1) for fault in _faults(place, table)]
    if faults:
        raise _invalid(faults)
    return [_definition(table) for table in tables]


def write(definitions: Iterable[Definition]) -> str:
    """The tables that `read` understands."""
    tables = []
    for each in definitions:
        table = {"generator": each.generator, "name": each.name, "enabled": each.enabled, **each.document}
        # JSON writes texts, numbers and booleans as TOML does.
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
        tables.append("\n".join([f"[[{TABLE}]]", *lines, ""]))
    return "\n".join(tables)


def _faults(place: int, table: dict[str, Any]) -> list[str]:
    wanted = {"generator": str, "name": str, "enabled": bool}
    known = {"enabled": True} | table
    which = f"[[{TABLE}]] number {place}"
    return [
        f"{which} needs {key!r} as {'true or false' if kind is bool else 'a text'}"
        for key, kind in wanted.items()
        if not isinstance(known.get(key), kind)
    ]


def _definition(table: dict[str, Any]) -> Definition:
    document = dict(table)
    return Definition(document.pop("generator"), document.pop("name"), document, document.pop("enabled", True))


def _invalid(faults: list[str]) -> SafelightError:
    return SafelightError(Kind.INVALID, "monitor_file_invalid", f"Nothing was changed. Mend: {'; '.join(faults)}.")

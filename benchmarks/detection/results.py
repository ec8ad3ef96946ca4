"""The committed results: what each study found, kept as JSON, and a page that is written from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.detection.table import Table

Study = dict[str, Any]
"""One study: the `machine` it was made on and its `tables`."""

FOLDER = Path(__file__).parents[1] / "results"


def keep(study: str, tables: Sequence[Table], machine: str, folder: Path = FOLDER) -> None:
    """The study's earlier results are replaced, those of others stay."""
    folder.mkdir(exist_ok=True)
    path = folder / "detection.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    kept[study] = {"machine": machine, "tables": [asdict(table) for table in tables]}
    path.write_text(json.dumps(kept, indent=1) + "\n")
    (folder / "detection.md").write_text(page(kept))


def kept(study: str, folder: Path = FOLDER) -> Study | None:
    """What an earlier run found, if there was one."""
    path = folder / "detection.json"
    found: dict[str, Study] = json.loads(path.read_text()) if path.exists() else {}
    return found.get(study)


def page(kept: dict[str, Any]) -> str:
    parts = ["# The detector beside its peers", "Written by `python -m benchmarks.detection`."]
    for study in kept.values():
        parts += [*(Table(**table).markdown() for table in study["tables"]), f"Measured {study['machine']}"]
    return "\n\n".join(part.strip() for part in parts) + "\n"

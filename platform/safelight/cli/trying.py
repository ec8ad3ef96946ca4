"""`safelight try`: two checkpoints on the same prompts and seeds, on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from monitors.probes import ALIGNMENT_MARGIN
from monitors.sample import prompt_key
from registry.drafting import draft_manifest
from registry.manifest import Manifest, parse_manifest
from registry.parameters import Requested
from safelight import wiring
from safelight.cli.backtest import EmbedderFolder, open_embedder
from safelight.cli.documents import check_writable, read_object
from safelight.cli.progress import Progress
from safelight.comparing.drawing import Drawing, draw, look
from safelight.comparing.trial import judge
from safelight.comparing.trial_page import Asked, page
from safelight.errors import Kind, SafelightError
from safelight.importing.mapping import parse_mapping
from safelight.importing.table import Record, open_table
from safelight.settings import Settings

commands = typer.Typer()
_PROMPT, _SEED = "prompt", "seed"


@commands.command("try")
def try_checkpoint(
    new: Annotated[Path, typer.Argument(help="The new checkpoint: a diffusers folder, safetensors only")],
    against: Annotated[Path, typer.Option("--against", help="The old checkpoint, likewise")],
    prompts: Annotated[str, typer.Option("--prompts", help="CSV, JSONL or Parquet with a column prompt, maybe a seed")],
    mapping: Annotated[str, typer.Option("--map", help="prompt=COLUMN,seed=COLUMN, where they have other names")] = "",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Images of each prompt")] = 1,
    manifest: Annotated[
        Path | None, typer.Option(help="The new one's; left out: as `safelight manifest` drafts")
    ] = None,
    against_manifest: Annotated[Path | None, typer.Option(help="The old one's, likewise")] = None,
    steps: Annotated[int | None, typer.Option(help="For both; left out: each one's default")] = None,
    guidance: Annotated[float | None, typer.Option(help="For both, likewise")] = None,
    size: Annotated[int | None, typer.Option(help="Side in pixels, for both, likewise")] = None,
    margin: Annotated[float, typer.Option(min=0.0, help="The loss of alignment that would not matter")] = (
        ALIGNMENT_MARGIN
    ),
    embedder: EmbedderFolder = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The page")] = Path("trial.html"),
    document: Annotated[Path | None, typer.Option("--json", help="The figures for programs")] = None,
) -> None:
    """Say whether a new checkpoint is worse than an old one on the same prompts and seeds, side by side on one page.

    Needs no server and no database; one checkpoint is loaded at a time.
    """
    settings, clock = Settings(), wiring.clock()
    check_writable(output, document)
    asked = [
        Asked(prompt, seed + i)
        for prompt, seed in read_prompts(prompts, parse_mapping(mapping), settings)
        for i in range(seeds)
    ]
    requests = [
        Requested(prompt=each.prompt, seed=each.seed, n=1, steps=steps, guidance=guidance, width=size, height=size)
        for each in asked
    ]
    sides = [
        ("old", against, _manifest(against, against_manifest, requests)),
        ("new", new, _manifest(new, manifest, requests)),
    ]
    sight = open_embedder(settings, embedder)
    drawings: list[Drawing] = []
    for name, folder, told in sides:
        progress = Progress(f"Drawn by the {name} one", len(requests), clock)
        drawings.append(
            draw(
                folder,
                told,
                requests,
                device=settings.engine.device,
                threads=settings.engine.threads,
                clock=clock,
                progress=progress.advance,
            )
        )
    words = [each.prompt for each in asked]
    old_drawn, new_drawn = (look(each, words, sight) for each in drawings)
    keys = np.array([prompt_key(each) for each in words], np.uint64)
    trial = judge(old_drawn, new_drawn, keys, margin)
    output.write_text(
        page(trial, str(against), str(new), asked, drawings, (old_drawn, new_drawn), clock.now()), "utf-8"
    )
    if document:
        document.write_text(trial.model_dump_json(indent=2), encoding="utf-8")
    typer.echo(trial.statement)
    typer.echo(f"The page: {output}")


def _manifest(folder: Path, document: Path | None, requests: Sequence[Requested]) -> Manifest:
    """Of a checkpoint that can be asked all of it: what it refuses, it refuses before hours of drawing."""
    drafted = draft_manifest(folder)
    told = parse_manifest({"checkpoint": drafted.checkpoint, **read_object(document)}) if document else drafted
    for each in requests:
        told.resolve(each, fallback_seed=0)
    return told


def read_prompts(source: str, given: dict[str, str], settings: Settings) -> list[tuple[str, int]]:
    """Prompts and seeds; where there is no seed, the place in the table is one."""
    table = open_table(source, settings.images)
    columns = {field: given.get(field, field) for field in (_PROMPT, _SEED)}
    found = []
    for place, row in enumerate(table.rows()):
        prompt = row.values.get(columns[_PROMPT]) if isinstance(row, Record) else None
        if not isinstance(row, Record) or not isinstance(prompt, str) or not prompt.strip():
            raise SafelightError(Kind.INVALID, "prompt_missing", f"{source}, line {row.line}: there is no prompt.")
        seed = row.values.get(columns[_SEED])
        try:
            found.append((prompt, place if seed in (None, "") else int(seed)))
        except (TypeError, ValueError):
            raise SafelightError(
                Kind.INVALID, "seed_invalid", f"{source}, line {row.line}: the seed is not a whole number."
            ) from None
    if not found:
        raise SafelightError(Kind.INVALID, "prompt_missing", f"{source} holds no prompt.")
    return found

"""Variants: a version made cheaper, and what that costs in quality."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from monitors.sample import prompt_key
from registry.parameters import Requested
from registry.variants import parse_changes
from safelight import wiring
from safelight.cli.actor import actor
from safelight.cli.backtest import EmbedderFolder, open_embedder
from safelight.cli.progress import Progress
from safelight.cli.trying import read_prompts
from safelight.comparing.drawing import look
from safelight.comparing.engines import Weighed, draw_on_engine
from safelight.comparing.trial import judge
from safelight.comparing.variants import report as report_of
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.store import variant_reports, versions
from safelight.store.versions import KnownVersion

group = typer.Typer(help="A version's checkpoint, loaded or run otherwise to cost less.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]


class Precision(StrEnum):
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class Scheme(StrEnum):
    INT8_WEIGHT_ONLY = "int8_weight_only"
    INT8_DYNAMIC = "int8_dynamic"
    FLOAT8_WEIGHT_ONLY = "float8_weight_only"


class Extent(StrEnum):
    BLOCKS = "blocks"
    WHOLE = "whole"


class Offload(StrEnum):
    MODEL = "model"
    SEQUENTIAL = "sequential"


@group.command("register")
def register(
    generator: Generator,
    parent: Annotated[int, typer.Argument(help="The number of the version to be made cheaper")],
    dtype: Annotated[Precision | None, typer.Option(help="The precision it runs in")] = None,
    quantisation: Annotated[Scheme | None, typer.Option(help="Fewer bits for the denoiser's weights")] = None,
    compile_: Annotated[Extent | None, typer.Option("--compile", help="Compile the denoiser")] = None,
    offload: Annotated[Offload | None, typer.Option(help="Keep on the GPU only what computes")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A scheduler's class in diffusers")] = None,
    steps: Annotated[int | None, typer.Option(help="The new default")] = None,
    guidance: Annotated[float | None, typer.Option(help="The new default")] = None,
    description: Annotated[str, typer.Option(help="A few words about the variant")] = "",
) -> None:
    """Register a variant of a version: the same checkpoint, kept once, under the next number."""
    changes = parse_changes(
        {
            "dtype": dtype,
            "quantisation": {"scheme": quantisation} if quantisation else None,
            "compile": compile_,
            "offload": offload,
            "scheduler": {"class_name": scheduler} if scheduler else None,
            "steps": steps,
            "guidance": guidance,
            "description": description,
        }
    )
    known = wiring.registration(Settings()).register_variant(generator, parent, changes, actor())
    typer.echo(f"{known.generator} version {known.number}, a variant of {parent}  {known.digest}")


@group.command("report")
def report(
    generator: Generator,
    variant: Annotated[int, typer.Argument(help="The variant's number")],
    prompts: Annotated[str, typer.Option("--prompts", help="CSV, JSONL or Parquet with a column prompt, maybe a seed")],
    embedder: EmbedderFolder = "",
    document: Annotated[Path | None, typer.Option("--json", help="The figures for programs")] = None,
) -> None:
    """Measure a variant beside its parent on this machine: speed, memory, and quality on the same prompts and seeds.

    Each gets an engine of its own, one after the other, and makes one image at a time. The report is kept: the API
    shows the newest of a version.
    """
    settings, clock = Settings(), wiring.clock()
    database, sight = wiring.database(settings), open_embedder(settings, embedder)
    child, parent = _pair(settings, generator, variant)
    asked = read_prompts(prompts, {}, settings)
    requests = [Requested(prompt=prompt, seed=seed, n=1) for prompt, seed in asked]
    words = [prompt for prompt, _ in asked]

    def drawn(known: KnownVersion) -> Weighed:
        progress = Progress(f"Drawn by version {known.number}", len(requests), clock)
        folder = _fetched(settings, known)
        return draw_on_engine(folder, known.held, requests, settings.engine, clock, progress.advance)

    old, new = drawn(parent), drawn(child)
    keys = np.array([prompt_key(each) for each in words], np.uint64)
    trial = judge(look(old.drawing, words, sight), look(new.drawing, words, sight), keys)
    told = report_of(parent, child, old, new, trial, sight.digest, clock.now())
    with database.transaction() as session:
        variant_reports.add(session, generator, variant, told.model_dump(mode="json"), now=told.made_at, actor=actor())
    if document:
        document.write_text(told.model_dump_json(indent=2), encoding="utf-8")
    for row in [("", f"version {parent.number}", f"version {variant}", ""), *told.table]:
        typer.echo("{:<30} {:>14} {:>14}  {}".format(*row).rstrip())
    typer.echo(trial.statement)


def _pair(settings: Settings, generator: str, variant: int) -> tuple[KnownVersion, KnownVersion]:
    """The variant and its parent."""
    with wiring.database(settings).reading() as session:
        child = versions.require_version(session, generator, variant)
        digest = child.held.parent
        number = versions.number_of(session, generator, digest) if digest else None
        if number is None:
            message = f"Version {variant} of {generator} is not a variant of a version that is registered here."
            raise SafelightError(Kind.INVALID, "not_a_variant", message)
        return child, versions.require_version(session, generator, number)


def _fetched(settings: Settings, known: KnownVersion) -> Path:
    store = wiring.version_store(settings)
    name = known.held.checkpoint.partition(":")[2]
    return store.fetch(store.get(known.generator, known.number), settings.checkpoints_dir / name)

"""`safelight backtest`: what the monitors would have said of the past."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitors.windows import spoken
from safelight import wiring
from safelight.backtesting.backtest import Origin, backtest, early_days
from safelight.backtesting.gathering import Stream, gather
from safelight.backtesting.measuring import Measurer
from safelight.backtesting.page import page
from safelight.backtesting.report import BacktestReport
from safelight.cli.importing import Map, Reading, Source, SpreadFrom, SpreadTo, Strict, Timezone, open_reading
from safelight.cli.progress import Progress
from safelight.errors import Kind, SafelightError
from safelight.handouts.page import number, when
from safelight.importing.mapping import IMAGE_EMBEDDING, PROMPT_EMBEDDING
from safelight.importing.reading import read_rows
from safelight.scoring.embedder import Embedder
from safelight.settings import Settings

commands = typer.Typer()

STUDIO = "studio"
EmbedderFolder = Annotated[
    str,
    typer.Option(
        "--embedder",
        help=f"An open_clip folder; left out: scoring.embedder of the settings. {STUDIO!r}: the bundled one, which "
        "knows nothing but the demo's pictures",
    ),
]


@commands.command("backtest")
def replay(
    source: Source,
    mapping: Map = "",
    timezone: Timezone = "",
    spread_from: SpreadFrom = None,
    spread_to: SpreadTo = None,
    fit_until: Annotated[
        datetime | None, typer.Option(help="What is made before (UTC) is taken as usual; left out: the first third")
    ] = None,
    embedder: EmbedderFolder = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The page")] = Path("backtest.html"),
    document: Annotated[Path | None, typer.Option("--json", help="The same for programs")] = None,
    strict: Strict = False,
) -> None:
    """Learn what is usual from the early days of a table, replay the rest and list every alarm, on one page.

    Needs no server and no database. Images are measured once: a run that is cut off goes on where it was.
    """
    settings, clock = Settings(), wiring.clock()
    reading = open_reading(
        source,
        settings,
        generator="backtest",
        version=1,
        mapping=mapping,
        timezone=timezone,
        spread_from=spread_from,
        spread_to=spread_to,
        strict=strict,
    )
    given = {IMAGE_EMBEDDING, PROMPT_EMBEDDING} <= reading.reader.columns.keys()
    sight = None if given and not embedder else open_embedder(settings, embedder)
    digest = sight.digest if sight else "given with the table"
    measured = Progress("Measured", reading.total, clock)
    measurer = Measurer(sight)
    stream = gather(
        read_rows(reading.table, reading.reader, reading.rejects),
        reading.pictures,
        reading.rejects,
        measurer,
        settings.data_dir / "backtests" / _key(source, reading, digest),
        digest,
        measured.advance,
    )
    origin = Origin(source, reading.times_made_up, measurer.not_served, reading.rejects.by_code)
    until = fit_until.replace(tzinfo=UTC) if fit_until else early_days(stream)
    report = _replayed(stream, origin, settings, until)
    output.write_text(page(report), encoding="utf-8")
    if document:
        document.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    _tell(report, output)


def open_embedder(settings: Settings, folder: str) -> Embedder:
    """The embedder named, or that of the settings. Raises `embedder_unset` rather than use one that sees nothing."""
    if folder == STUDIO:
        folder = ""
    elif not folder and not settings.scoring.embedder:
        raise SafelightError(
            Kind.INVALID,
            "embedder_unset",
            "There is no embedder for your images: the bundled one knows nothing but the demo's. Download an open_clip "
            "model in safetensors (open_clip_config.json and open_clip_model.safetensors, laion/CLIP-ViT-B-32-laion2B-"
            "s34B-b79K on the Hugging Face hub for one) and name its folder with --embedder or scoring.embedder.",
        )
    if folder:
        settings = settings.model_copy(update={"scoring": settings.scoring.model_copy(update={"embedder": folder})})
    return wiring.embedder(settings)


def _replayed(stream: Stream, origin: Origin, settings: Settings, until: datetime) -> BacktestReport:
    clock = wiring.clock()
    progress: list[Progress] = []

    def advance(done: int, total: int) -> None:
        if not progress:
            progress.append(Progress("Replayed", total, clock))
        progress[0].advance(done)

    return backtest(stream, origin, settings.watching, until, clock.now(), advance)


def _key(source: str, reading: Reading, digest: str) -> str:
    """Names the folder where measurements are kept: another mapping or embedder is another recording, and so is a file
    that has changed where it brings embeddings, by which its rows cannot be told apart."""
    columns = reading.reader.columns
    state = reading.table.state() if IMAGE_EMBEDDING in columns else ""
    return hashlib.sha256(json.dumps([source, columns, digest, state], sort_keys=True).encode()).hexdigest()[:16]


def _tell(report: BacktestReport, output: Path) -> None:
    expected = number(report.false_alarms_expected, 2)
    typer.echo(
        f"{number(report.generations)} generations, fitted on {number(report.fitted_on)}. Alarms in "
        f"{spoken(86400 * report.days_replayed)}: {len(report.alarms)}, where at most {expected} false ones were to be "
        "expected"
    )
    for alarm in report.alarms:
        typer.echo(f"  {when(alarm.raised_at)}  version {alarm.version}  {alarm.findings[0].summary}")
    for drift in report.prompt_drifts:
        typer.echo(f"  {when(drift.raised_at)}  not an alarm: {drift.findings[0].summary}")
    typer.echo(f"The page: {output}")

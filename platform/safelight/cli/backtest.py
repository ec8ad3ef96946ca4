"""`safelight backtest`: what the monitors would have said of the past."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitors.windows import spoken
from safelight import wiring
from safelight.backtesting.backtest import Origin, backtest, early_days
from safelight.backtesting.gathering import Stream, gather
from safelight.backtesting.history import NOT_SERVED, recalled
from safelight.backtesting.measuring import Measurer
from safelight.backtesting.page import page
from safelight.backtesting.report import BacktestReport
from safelight.cli.documents import check_writable
from safelight.cli.importing import Map, Reading, SpreadFrom, SpreadTo, Strict, Timezone, open_reading
from safelight.cli.progress import Progress
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.handouts.page import number, when
from safelight.importing.mapping import IMAGE_EMBEDDING, PROMPT_EMBEDDING
from safelight.importing.reading import read_rows
from safelight.recording.images import open_images
from safelight.scoring.embedder import Embedder
from safelight.settings import Settings
from safelight.store.history import Stretch

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
    source: Annotated[
        str,
        typer.Argument(
            help="A Parquet, CSV or JSONL file, or a folder of Parquet files or of images: a path or any fsspec URL. "
            "Left out: the log of --generator"
        ),
    ] = "",
    generator: Annotated[str, typer.Option(help="Replay what this installation has logged and scored of it")] = "",
    start: Annotated[datetime | None, typer.Option("--from", help="With --generator: made from here on (UTC)")] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="... and before (UTC)")] = None,
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
    """Learn what is usual from the early days, replay the rest and list every alarm, on one page.

    Of a table it needs no server and no database. Images are measured once: a run that is cut off goes on where it was.
    """
    settings, clock = Settings(), wiring.clock()
    check_writable(output, document)
    if bool(source) == bool(generator):
        raise SafelightError(
            Kind.INVALID, "source_invalid", "Name a table or a folder, or --generator for what is logged: one of both."
        )
    if generator:
        if any((mapping, timezone, spread_from, spread_to, embedder, strict)):
            raise SafelightError(
                Kind.INVALID, "source_invalid", "The log needs no mapping, times, embedder or --strict: leave them out."
            )
        opened = _logged(settings, Stretch(generator, _utc(start), _utc(end)))
    else:
        if start or end:
            raise SafelightError(Kind.INVALID, "source_invalid", "--from and --to are for the log of --generator.")
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
        opened = _tabled(settings, reading, source, embedder)
    with opened as (stream, origin):
        report = _replayed(stream, origin, settings, _utc(fit_until) or early_days(stream), clock)
    output.write_text(page(report), encoding="utf-8")
    if document:
        document.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    _tell(report, output)


@contextmanager
def _tabled(settings: Settings, reading: Reading, source: str, embedder: str) -> Iterator[tuple[Stream, Origin]]:
    """What a table tells, measured here unless it was before."""
    given = {IMAGE_EMBEDDING, PROMPT_EMBEDDING} <= reading.reader.columns.keys()
    sight = None if given and not embedder else open_embedder(settings, embedder)
    digest = sight.digest if sight else "given with the table"
    measurer = Measurer(sight)
    stream = gather(
        read_rows(reading.table, reading.reader, reading.rejects),
        reading.pictures,
        reading.rejects,
        measurer,
        settings.data_dir / "backtests" / _key(source, reading, digest),
        digest,
        Progress("Measured", reading.total, wiring.clock()).advance,
    )
    yield stream, Origin(source, reading.times_made_up, measurer.not_served, reading.rejects.by_code)


@contextmanager
def _logged(settings: Settings, where: Stretch) -> Iterator[tuple[Stream, Origin]]:
    """What is in the log, as it was measured when it was scored."""
    left_out: Counter[str] = Counter()
    images, database = open_images(settings.images_url, settings.images), wiring.database(settings)
    read, folder = _counting("Read", wiring.clock()), settings.data_dir / "backtests"
    try:
        with recalled(database, images, where, folder, left_out, read) as stream:
            not_served = left_out.pop(NOT_SERVED, 0)
            source = f"the log of {where.generator}"
            yield stream, Origin(source, times_made_up=False, not_served=not_served, rejected=left_out)
    finally:
        database.dispose()


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


def _replayed(stream: Stream, origin: Origin, settings: Settings, until: datetime, clock: Clock) -> BacktestReport:
    return backtest(stream, origin, settings.watching, until, clock.now(), _counting("Replayed", clock))


def _counting(what: str, clock: Clock) -> Callable[[int, int], None]:
    """Tells how far something is whose total is known with its first step."""
    progress: list[Progress] = []

    def advance(done: int, total: int) -> None:
        if not progress:
            progress.append(Progress(what, total, clock))
        progress[0].advance(done)

    return advance


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _key(source: str, reading: Reading, digest: str) -> str:
    """Names the folder where measurements are kept: another mapping or embedder is another recording, and so is a file
    that has changed where it brings embeddings, by which its rows cannot be told apart."""
    columns = reading.reader.columns
    state = reading.table.state() if IMAGE_EMBEDDING in columns else ""
    # The folder as well: `images` here and `images` there are two sources, whatever their rows have in common.
    told = [source, reading.table.folder, columns, digest, state]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


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

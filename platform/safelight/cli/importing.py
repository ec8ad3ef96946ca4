"""Generations from tables and folders into the store."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from safelight import wiring
from safelight.cli.progress import Progress
from safelight.errors import Kind, SafelightError
from safelight.importing import moments
from safelight.importing.mapping import IMAGE_EMBEDDING, PROMPT_EMBEDDING, parse_mapping, resolve
from safelight.importing.pictures import Pictures
from safelight.importing.reading import BadRow, Loaded, Rejects, load, read_rows
from safelight.importing.rows import RowReader
from safelight.importing.table import Table, open_table
from safelight.settings import Settings
from safelight.wiring.importing import importer as open_importer

commands = typer.Typer()

_EMBEDDINGS = {IMAGE_EMBEDDING, PROMPT_EMBEDDING}
_TOLD = 100
"""Bad rows that are told one by one; the others are counted."""

Source = Annotated[
    str,
    typer.Argument(
        help="A Parquet, CSV or JSONL file, or a folder of Parquet files or of images: a path or any fsspec URL"
    ),
]
Map = Annotated[str, typer.Option("--map", help="FIELD=COLUMN,...; columns named as a field need no mention")]
Timezone = Annotated[str, typer.Option(help="The zone of times that name none, such as UTC")]
SpreadFrom = Annotated[
    datetime | None, typer.Option("--spread-from", help="Without times: spread the rows evenly from here (UTC)")
]
SpreadTo = Annotated[datetime | None, typer.Option("--spread-to", help="... to here (UTC)")]
Strict = Annotated[bool, typer.Option("--strict", help="End at the first bad row, instead of leaving it out")]


@dataclass(frozen=True)
class Reading:
    """A source opened for a command: its rows, how many, and what was left out of them."""

    table: Table
    reader: RowReader
    pictures: Pictures
    rejects: Rejects
    total: int
    times_made_up: bool

    def batches(self) -> Iterator[list[Loaded]]:
        return load(read_rows(self.table, self.reader, self.rejects), self.pictures, self.rejects)


def open_reading(
    source: str,
    settings: Settings,
    *,
    generator: str,
    version: int,
    mapping: str,
    timezone: str,
    spread_from: datetime | None,
    spread_to: datetime | None,
    strict: bool,
) -> Reading:
    """Raises a SafelightError for what cannot be read as a whole."""
    given = parse_mapping(mapping)
    table = open_table(source, settings.images)
    columns = resolve(given, table.columns)
    total = table.count()
    when = _when("created_at" in columns, timezone, spread_from, spread_to, total)
    return Reading(
        table,
        RowReader(generator, version, columns, when),
        Pictures(table, settings.images),
        Rejects(_teller(), strict),
        total,
        "created_at" not in columns,
    )


@commands.command("import")
def import_generations(
    source: Source,
    generator: Annotated[str, typer.Option(help="Whose generations they are; registered")],
    version: Annotated[
        int | None, typer.Option(help="The version that made them, where no column says; left out: the newest")
    ] = None,
    mapping: Map = "",
    timezone: Timezone = "",
    spread_from: SpreadFrom = None,
    spread_to: SpreadTo = None,
    strict: Strict = False,
    embedder_digest: Annotated[
        str,
        typer.Option(
            help="What made the table's image_embedding and prompt_embedding: taken as scores, where it is what the "
            "workers look with (GET /api/v1/ingest/embedder)"
        ),
    ] = "",
) -> None:
    """Read generations made elsewhere from a table or a folder; what is there already is not added again."""
    settings = Settings()
    with open_importer(settings) as importer:
        reading = open_reading(
            source,
            settings,
            generator=generator,
            version=importer.version(generator, version),
            mapping=mapping,
            timezone=timezone,
            spread_from=spread_from,
            spread_to=spread_to,
            strict=strict,
        )
        brought = _EMBEDDINGS & reading.reader.columns.keys()
        if embedder_digest and brought != _EMBEDDINGS:
            raise SafelightError(
                Kind.INVALID,
                "embeddings_missing",
                "The table brings no image_embedding and prompt_embedding. Map both, or leave --embedder-digest out.",
            )
        if brought and not embedder_digest:
            typer.echo("The embeddings are left out: nobody says what made them (--embedder-digest).", err=True)
        embedder = importer.embedder(embedder_digest) if embedder_digest else None
        progress = Progress("Recorded", reading.total, wiring.clock())
        done = asyncio.run(importer.run(reading.batches(), reading.rejects, progress.advance, embedder))
    typer.echo(f"{done.added:,} generations added, {done.known:,} there already, {done.rejected:,} rows left out")
    for code, count in reading.rejects.by_code.most_common():
        typer.echo(f"  {count:,} x {code}")
    if done.added:
        typer.echo("The worker scores them as it gets to them.")
    if done.rejected and not done.added + done.known:
        raise typer.Exit(1)


def _when(
    told: bool, timezone: str, start: datetime | None, end: datetime | None, total: int
) -> Callable[[object, int], datetime]:
    naive = moments.zone(timezone)
    if told:
        read = moments.reader(naive)
        return lambda value, _position: read(value)
    if start is None or end is None:
        raise SafelightError(
            Kind.INVALID,
            "times_missing",
            "No column says when each image was made. Name one with --map created_at=COLUMN; or, knowing that "
            "durations will then mean nothing, spread the rows evenly in their order: --spread-from and --spread-to.",
        )
    utc = moments.zone("UTC")
    evenly = moments.spread(start.replace(tzinfo=utc), end.replace(tzinfo=utc), total)
    return lambda _value, position: evenly.at(position)


def _teller() -> Callable[[BadRow], None]:
    told = 0

    def tell(row: BadRow) -> None:
        nonlocal told
        told += 1
        if told <= _TOLD:
            typer.echo(f"line {row.line}: {row.reason} [{row.code}]", err=True)
        if told == _TOLD:
            typer.echo(f"Bad rows from the {_TOLD + 1}st on are only counted.", err=True)

    return tell

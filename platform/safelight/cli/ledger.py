"""The release ledger: what served when, what changed, and whether the record still is what was recorded."""

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from registry.ledger import Entry
from safelight import wiring
from safelight.comparing.releases import difference
from safelight.errors import Kind, SafelightError, not_found
from safelight.releasing.anchoring import AnchorFile, Anchoring, Verification, verify_chain
from safelight.releasing.exporting import as_csv, as_json
from safelight.settings import Settings
from safelight.store import chains, releases, versions
from safelight.store.database import Session
from safelight.store.ledger import DEFAULT_SCOPE
from safelight.store.releases import KnownRelease

group = typer.Typer(help="The release ledger.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Scope = Annotated[str, typer.Option(help="The region or stage")]
Anchors = Annotated[Path | None, typer.Option("--file", help="Left out: ledger.anchor_file of the settings")]

_PAGE = 200


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"


@group.command("show")
def show(generator: Generator, scope: Scope = DEFAULT_SCOPE) -> None:
    """Print the ledger, the newest entry first."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        before: int | None = None
        while piece := chains.page(session, generator, before, _PAGE, scope):
            for entry in piece:
                typer.echo(_line(entry))
            before = piece[-1].seq


@group.command("live")
def live(
    generator: Generator,
    at: Annotated[str | None, typer.Option(help="2026-11-23T15:10, with a time zone or in UTC; left out: now")] = None,
    scope: Scope = DEFAULT_SCOPE,
) -> None:
    """Say what served at a moment, since when, by whom and why."""
    moment = _moment(at) if at else wiring.clock().now()
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        entry = chains.live_at(session, generator, moment, scope)
    if entry is None:
        typer.echo(f"Nothing of {generator} served at {moment:%Y-%m-%d %H:%M:%S} UTC.")
        raise typer.Exit(1)
    typer.echo(_line(entry))


@group.command("diff")
def diff(
    generator: Generator,
    before: Annotated[int, typer.Argument(help="The number of a ledger entry")],
    after: Annotated[int, typer.Argument(help="The number of another one")],
) -> None:
    """Print what became different from one release to another: weights, manifest, environment, baseline."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        first, second = (_release(session, generator, seq) for seq in (before, after))
        found = difference(session, second, first)
    for compared in found.comparisons:
        typer.echo(f"{compared.matter}: {len(compared.changes) or 'no'} changes")
        if compared.unknown:
            typer.echo(f"  not compared: {compared.unknown}")
        for change in compared.changes:
            typer.echo(f"  {change.path}: {_shown(change.before)} -> {_shown(change.after)}")


@group.command("export")
def export(
    generator: Generator,
    form: Annotated[Form, typer.Option("--format")] = Form.CSV,
    scope: Scope = DEFAULT_SCOPE,
) -> None:
    """Print the whole chain, the oldest entry first, with every value that its hashes are over."""
    database = wiring.database(Settings())
    with database.reading() as session:
        versions.require_generator(session, generator)
    entries = chains.entries(database, generator, scope)
    for piece in as_csv(entries) if form is Form.CSV else as_json(entries):
        sys.stdout.write(piece)


@group.command("anchor")
def anchor(file: Anchors = None) -> None:
    """Note the head of every chain in a file that only grows; status 1 where an earlier anchor no longer holds."""
    settings = Settings()
    path = file or settings.ledger.anchor_file
    if path is None:
        message = "Name the file with --file, or set ledger.anchor_file."
        raise SafelightError(Kind.INVALID, "anchor_file_missing", message)
    done = Anchoring(wiring.database(settings), AnchorFile(path), wiring.clock()).run_once()
    for noted in done.noted:
        typer.echo(f"{noted.generator} {noted.scope}: entry {noted.seq} noted, {noted.hash}")
    for found in done.tampered:
        was = found.anchor
        typer.echo(f"{was.generator} {was.scope}: entry {was.seq}, noted {was.at:%Y-%m-%d %H:%M} UTC, {found.reason}")
    if not done.noted and not done.tampered:
        typer.echo("nothing new")
    if done.tampered:
        raise typer.Exit(1)


@group.command("verify")
def verify(
    generator: Annotated[str | None, typer.Argument(help="Left out: every generator")] = None,
    head: Annotated[str | None, typer.Option(help="The newest entry's hash, as noted elsewhere")] = None,
    anchors: Annotated[
        Path | None, typer.Option(help="An anchor file; left out: ledger.anchor_file of the settings")
    ] = None,
) -> None:
    """Check the hash chain link by link, and against its anchors; status 1 when it does not hold."""
    settings = Settings()
    database, path = wiring.database(settings), anchors or settings.ledger.anchor_file
    if anchors is not None and not anchors.exists():
        message = f"There is no anchor file {anchors}. Write one with 'safelight ledger anchor --file {anchors}'."
        raise SafelightError(Kind.NOT_FOUND, "anchor_file_not_found", message)
    noted = AnchorFile(path).read() if path else []
    with database.reading() as session:
        if generator is not None:
            versions.require_generator(session, generator)
        # A chain that is gone whole is one that its anchors alone remember.
        remembered = {each.chain for each in noted if generator in (None, each.generator)}
        found = sorted({*chains.known(session, generator), *remembered})
    results = [verify_chain(database, name, scope, noted, head) for name, scope in found]
    for result in results:
        typer.echo(_told(result))
    if any(result.broken for result in results):
        raise typer.Exit(1)


def _told(result: Verification) -> str:
    name = result.generator if result.scope == DEFAULT_SCOPE else f"{result.generator} {result.scope}"
    state = f"BROKEN at entry {result.broken.seq}: {result.broken.reason}" if result.broken else "holds"
    against = f", {result.anchors} anchors" if result.anchors else ""
    return f"{name}: {result.entries} entries, {state}{against}, head {result.head or 'empty'}"


def _line(entry: Entry) -> str:
    change = f"{entry.from_version or '-'} -> {entry.to_version}"
    return f"{entry.seq:>4}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.kind:<9} {change:<10} {entry.actor}  {entry.reason}"


def _release(session: Session, generator: str, seq: int) -> KnownRelease:
    found = releases.of_entry(session, generator, seq)
    if found is None:
        raise not_found("release", f"with ledger entry {seq} of {generator}")
    return found


def _shown(value: object) -> str:
    return "-" if value is None else json.dumps(value)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time like 2026-11-23T15:10", param_hint="--at") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

"""Monitors: straight on the store, so that they can be changed while the API is down."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.store import monitors, verdicts
from safelight.store.alarms import Raised
from safelight.watching import monitor_files
from safelight.watching.applying import Definition, apply, remove, switch
from safelight.watching.dry_run import MOST_TICKS, Rehearsal
from safelight.watching.inquiry import Inquiry
from safelight.watching.lenses import LensCache
from safelight.watching.monitors import parse

group = typer.Typer(help="What is asked of a generator, how often it may be wrong, and what it answers.")

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Name = Annotated[str, typer.Argument(help="The monitor's name")]


@group.command("list")
def list_monitors(generator: Generator) -> None:
    """List the monitors: false alarms a month each may raise, the level of a comparison, alarms of 30 days, answer."""
    settings = Settings()
    with wiring.database(settings).reading() as session:
        inquiry = Inquiry.into(session, generator, settings.watching, LensCache())
        accounts = inquiry.accounts(session, wiring.clock().now())
        latest = {each.monitor: each.verdict for each in verdicts.latest(session, generator)}
        for each in monitors.all_of(session, generator):
            account = accounts.get(each.name)
            budget = "asks nothing at present"
            if account is not None:
                allowed = f"{account.spending.expected_false_alarms:.3f}/month"
                budget = f"{allowed}  alpha {account.spending.alpha:.1e}  {_told(account.raised)}"
            state = latest[each.name].health if each.name in latest else "-"
            typer.echo(f"{each.name:<22} {'on' if each.enabled else 'off':<4} {state:<13} {budget}")


@group.command("show")
def show(generator: Generator, name: Name) -> None:
    """Print a monitor as a table for a file."""
    with wiring.database(Settings()).reading() as session:
        found = monitors.get(session, generator, name)
    typer.echo(monitor_files.write([Definition(generator, name, found.document, found.enabled)]), nl=False)


@group.command("apply")
def apply_file(
    files: Annotated[list[Path], typer.Argument(help="TOML files of [[monitor]] tables")],
    check: Annotated[bool, typer.Option("--check", help="Say what would change, and change nothing")] = False,
) -> None:
    """Create and replace the monitors of files; those not named stay as they are. All of it happens, or nothing."""
    definitions = [each for file in files for each in monitor_files.read(_text(file))]
    database, now = wiring.database(Settings()), wiring.clock().now()
    with database.reading() if check else database.transaction() as session:
        applied = apply(session, definitions, actor(), now)
    for each in applied:
        typer.echo(f"{each.monitor.generator} {each.monitor.name}: {each.change}")
    if check:
        typer.echo("(nothing was changed)")


@group.command("enable")
def enable(generator: Generator, name: Name) -> None:
    """Let a monitor ask."""
    _switch(generator, name, enabled=True)


@group.command("disable")
def disable(generator: Generator, name: Name) -> None:
    """Silence a monitor; the others share its part of the false-alarm budget."""
    _switch(generator, name, enabled=False)


@group.command("delete")
def delete(generator: Generator, name: Name) -> None:
    """Forget a monitor that is no default one. What it answered stays on record."""
    with wiring.database(Settings()).transaction() as session:
        remove(session, generator, name, actor(), wiring.clock().now())
    typer.echo(f"{name} is gone")


@group.command("run")
def run(generator: Generator, name: Name) -> None:
    """Ask a monitor now; the answer is not stored and opens nothing. Status 1 when it is degraded."""
    settings, now = Settings(), wiring.clock().now()
    with wiring.database(settings).reading() as session:
        inquiry = Inquiry.into(session, generator, settings.watching, LensCache())
        answer = inquiry.run(session, name, now)
    typer.echo(json.dumps(answer.verdict.to_dict(), indent=2))
    if answer.verdict.health == "degraded":
        raise typer.Exit(1)


@group.command("dry-run")
def dry_run(
    file: Annotated[Path, typer.Argument(help="A TOML file of [[monitor]] tables")],
    hours: Annotated[float, typer.Option(help="How far back")] = 24.0,
    until: Annotated[datetime | None, typer.Option(help="Where the past ends, in UTC; left out: now")] = None,
    step: Annotated[int, typer.Option(help=f"Look at every so many ticks; at most {MOST_TICKS:,} are looked at")] = 1,
) -> None:
    """Try monitors on the past: every alarm each would have raised, and how many to expect with nothing wrong."""
    settings, clock = Settings(), wiring.clock()
    now = clock.now()
    end = until.replace(tzinfo=now.tzinfo) if until else now
    since = now - timedelta(days=settings.retention.sketches_days)
    with wiring.database(settings).reading() as session:
        for each in monitor_files.read(_text(file)):
            inquiry = Inquiry.into(session, each.generator, settings.watching, LensCache())
            rehearsal = Rehearsal(inquiry, settings.watching, each.name, parse(each.document), since)
            found = rehearsal.run(session, end - timedelta(hours=hours), end, step)
            healths = ", ".join(f"{count} {health}" for health, count in sorted(found.healths.items()))
            typer.echo(
                f"{each.generator} {each.name}: {found.ticks} ticks ({healths or 'nothing to ask'}), "
                f"{len(found.alarms)} alarms; {found.expected_false_alarms:.2g} expected with nothing wrong"
            )
            for alarm in found.alarms:
                p = "" if alarm.verdict.p_value is None else f"  p = {alarm.verdict.p_value:.1e}"
                typer.echo(
                    f"  {alarm.first:%Y-%m-%d %H:%M} for {alarm.ticks} ticks, version {alarm.version}, "
                    f"n = {alarm.verdict.n}{p}: {alarm.verdict.summary}"
                )


def _switch(generator: str, name: str, *, enabled: bool) -> None:
    with wiring.database(Settings()).transaction() as session:
        switch(session, generator, name, enabled=enabled, actor=actor(), now=wiring.clock().now())
    typer.echo(f"{name} is {'on' if enabled else 'off'}")


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SafelightError(Kind.INVALID, "monitor_file_unreadable", f"{file} cannot be read ({error}).") from error


def _told(raised: Raised) -> str:
    judged = ", ".join(f"{n} {word}" for n, word in ((raised.right, "right"), (raised.wrong, "wrong")) if n)
    return f"{raised.alarms} alarms{f' ({judged})' if judged else ''}"

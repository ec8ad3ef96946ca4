"""Incidents and runbooks: straight on the store, so that they can be handled while the API is down."""

import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.auditing.archive import zipped
from safelight.auditing.post_mortem import post_mortem
from safelight.cli.actor import actor
from safelight.recording.images import open_images
from safelight.responding import runbooks
from safelight.responding.announcement import Links
from safelight.responding.correlating import changes_before
from safelight.responding.handling import Handling
from safelight.settings import Settings
from safelight.store import incidents, versions
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import Judgement, KnownIncident, Severity

group = typer.Typer(help="What fired, who has it, and what came of it.", no_args_is_help=True)
runbook = typer.Typer(help="What to do when a monitor alarms.", no_args_is_help=True)

Incident = Annotated[UUID, typer.Argument(help="The incident's id")]
Note = Annotated[str, typer.Option(help="Kept in its timeline")]
Generator = Annotated[str, typer.Argument(help="The generator's name")]
Monitor = Annotated[str, typer.Argument(help="The monitor's name")]


@group.command("list")
def list_incidents(
    generator: Annotated[str | None, typer.Argument(help="Left out: every generator")] = None,
    state: Annotated[IncidentState | None, typer.Option(help="Only those")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """The newest first."""
    with wiring.database(Settings()).reading() as session:
        for each in incidents.page(session, generator, {state} if state else (), None, limit):
            owner = each.owner or "-"
            typer.echo(
                f"{each.id}  {each.opened_at:%Y-%m-%d %H:%M}  {each.state:<12} {each.severity:<8} {owner}  {each.title}"
            )


@group.command("show")
def show(incident_id: Incident) -> None:
    """Print what happened, and what changed in the hour before it began."""
    with wiring.database(Settings()).reading() as session:
        found = incidents.require(session, incident_id)
        typer.echo(_line(found))
        for event in incidents.timeline(session, incident_id):
            typer.echo(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<12} {event.actor}  {event.message}")
        typer.echo("changed before:")
        for change in changes_before(session, found):
            typer.echo(f"  {change.at:%Y-%m-%d %H:%M:%S}  {change.matter:<12} {change.summary}")


@group.command("acknowledge")
def acknowledge(incident_id: Incident) -> None:
    """Take charge of it."""
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        typer.echo(_line(_handling(settings).acknowledge(session, incident_id, actor(), wiring.clock().now())))


@group.command("resolve")
def resolve(incident_id: Incident, note: Note = "") -> None:
    """Close it by hand; the monitors start from fresh windows afterwards."""
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        typer.echo(_line(_handling(settings).resolve(session, incident_id, actor(), note, wiring.clock().now())))


@group.command("reopen")
def reopen(incident_id: Incident, note: Note = "") -> None:
    """It was not over."""
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        typer.echo(_line(_handling(settings).reopen(session, incident_id, actor(), note, wiring.clock().now())))


@group.command("assign")
def assign(
    incident_id: Incident, owner: Annotated[str | None, typer.Argument(help="Left out: nobody's")] = None
) -> None:
    """Say whose it is."""
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        typer.echo(_line(_handling(settings).assign(session, incident_id, owner, actor(), wiring.clock().now())))


@group.command("severity")
def severity(incident_id: Incident, severity: Severity) -> None:
    """Say how urgent it is, whatever was derived."""
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        typer.echo(_line(_handling(settings).rate(session, incident_id, severity, actor(), wiring.clock().now())))


@group.command("judge")
def judge(incident_id: Incident, judgement: Judgement, note: Note = "") -> None:
    """Say whether the alarm was right: it is counted beside the budget of its monitors."""
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        now = wiring.clock().now()
        typer.echo(_line(_handling(settings).judge(session, incident_id, judgement, note, actor(), now)))


@group.command("export")
def export(
    incident_id: Incident,
    out: Annotated[Path, typer.Option(help="The zip to write; one that exists is replaced")] = Path("post-mortem.zip"),
) -> None:
    """Write the post-mortem: Markdown, charts and the worst images, for people to go on from."""
    settings, now = Settings(), wiring.clock().now()
    images = open_images(settings.images_url, settings.images)
    files = post_mortem(wiring.database(settings), images, incident_id, now)
    with out.open("wb") as file:
        file.writelines(zipped(files, now))
    typer.echo(f"{out}: {out.stat().st_size:,} bytes")


@runbook.command("show")
def show_runbook(generator: Generator, monitor: Monitor) -> None:
    """Print the generator's own one, or the bundled one."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        typer.echo(runbooks.find(session, generator, monitor).text.rstrip())


@runbook.command("set")
def set_runbook(
    generator: Generator,
    monitor: Monitor,
    file: Annotated[Path, typer.Argument(help="Markdown; - for standard input", allow_dash=True)],
) -> None:
    """Put words of your own in place of the bundled ones."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    with wiring.database(Settings()).transaction() as session:
        runbooks.write(session, generator, monitor, text, actor(), wiring.clock().now())
    typer.echo(f"{generator} {monitor}: {len(text)} characters")


@runbook.command("reset")
def reset_runbook(generator: Generator, monitor: Monitor) -> None:
    """Go back to the bundled one."""
    with wiring.database(Settings()).transaction() as session:
        runbooks.reset(session, generator, monitor, actor(), wiring.clock().now())
    typer.echo(f"{generator} {monitor}: the bundled one")


def _handling(settings: Settings) -> Handling:
    return Handling(Links(settings.public_url))


def _line(incident: KnownIncident) -> str:
    judged = f", a {incident.judgement} alarm" if incident.judgement else ""
    return f"{incident.title}: {incident.state}, {incident.severity}, owner {incident.owner or 'nobody'}{judged}"

"""Channels and their dead letters: straight on the store; a running worker sends what is due."""

import sys
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import not_found
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.settings import Settings
from safelight.store import access, channels, notifications
from safelight.store.channels import ChannelKind
from safelight.store.notifications import State

group = typer.Typer(help="Who is told of incidents, and of what nobody could be told.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The channel's name")]
_STDIN = "-"


@group.command("list")
def list_channels() -> None:
    """List the channels, without their secrets."""
    with wiring.database(Settings()).reading() as session:
        for each in channels.all_of(session):
            state = "on" if each.enabled else f"off: {each.disabled_reason}"
            beat = f"  last heard {each.last_beat_at:%Y-%m-%d %H:%M:%S}" if each.last_beat_at else ""
            error = f"  {each.last_beat_error}" if each.last_beat_error else ""
            typer.echo(f"{each.name:<24} {each.kind:<12} {state:<8} {each.url}{beat}{error}")


@group.command("add")
def add(
    name: Name,
    kind: Annotated[ChannelKind, typer.Option()] = ChannelKind.WEBHOOK,
    url: Annotated[str, typer.Option(help="Where to POST; - reads it from standard input")] = "",
    secret: Annotated[str, typer.Option(help="PagerDuty's integration key; - reads it from standard input")] = "",
) -> None:
    """Make a channel. A webhook's signing secret is printed, and cannot be shown again."""
    settings, now = Settings(), wiring.clock().now()
    reach = Reach.of(settings.notifying)
    with wiring.database(settings).transaction() as session:
        made = making.create(session, name, kind, now, url=_entered(url), secret=_entered(secret), reach=reach)
        access.record_audit(session, now, actor(), "channel.create", name, kind.value)
    _print_secret(made)


@group.command("edit")
def edit(
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="Another name")] = None,
    url: Annotated[str | None, typer.Option(help="Where to POST from now on; - reads it from standard input")] = None,
    secret: Annotated[str | None, typer.Option(help="PagerDuty's integration key; - reads it from there too")] = None,
) -> None:
    """Change a channel; what is left out stays. What waits to be told goes to a new address at once."""
    settings, now = Settings(), wiring.clock().now()
    wanted = making.Edit(
        new_name, url if url is None else _entered(url), secret if secret is None else _entered(secret)
    )
    with wiring.database(settings).transaction() as session:
        known = channels.named(session, name)
        edited = making.edit(session, known.id, known.revision, wanted, now, reach=Reach.of(settings.notifying))
        if edited.changed:
            access.record_audit(session, now, actor(), "channel.edit", edited.channel.name, edited.changed)
    typer.echo(f"{edited.channel.name}: {edited.channel.kind} at {edited.channel.url}")


@group.command("rotate")
def rotate(
    name: Name,
    overlap_hours: Annotated[float, typer.Option(min=0, max=168, help="How long the previous secret counts")] = 24.0,
) -> None:
    """Sign with a new secret, and for a while with the previous one too."""
    now = wiring.clock().now()
    with wiring.database(Settings()).transaction() as session:
        known = channels.named(session, name)
        made = making.rotate(session, known.id, now, timedelta(hours=overlap_hours))
        said = f"The previous secret counts for {overlap_hours:g} h."
        access.record_audit(session, now, actor(), "channel.rotate", name, said)
    _print_secret(made)


@group.command("enable")
def enable(name: Name) -> None:
    """Tell it things again, from now on."""
    with wiring.database(Settings()).transaction() as session:
        channels.enable(session, channels.named(session, name).id)
        access.record_audit(session, wiring.clock().now(), actor(), "channel.enable", name)
    typer.echo(f"{name} is on")


@group.command("disable")
def disable(name: Name) -> None:
    """Tell it nothing more; what it was still to be told is given up."""
    with wiring.database(Settings()).transaction() as session:
        known = channels.named(session, name)
        notifications.disable_channel(session, known.id, f"Disabled by {actor()}.")
        access.record_audit(session, wiring.clock().now(), actor(), "channel.disable", name)
    typer.echo(f"{name} is off")


@group.command("test")
def test(name: Name) -> None:
    """Send it a harmless message; `failed` tells if it did not arrive."""
    with wiring.database(Settings()).transaction() as session:
        known = channels.named(session, name)
        identifier = outbox.enqueue_test(session, known.id, wiring.clock().now())
    typer.echo(f"a test is on its way to {name}: {identifier}")


@group.command("failed")
def failed(
    name: Annotated[str | None, typer.Argument(help="Left out: every channel")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
) -> None:
    """List the dead letters, the newest first: what could not be delivered, and why."""
    with wiring.database(Settings()).reading() as session:
        names = {each.id: each.name for each in channels.all_of(session)}
        channel_id = channels.named(session, name).id if name is not None else None
        for each in notifications.page(session, limit=limit, channel_id=channel_id, state=State.FAILED):
            why = each.deliveries[-1].error if each.deliveries else "the channel was disabled"
            typer.echo(f"{each.id}  {each.created_at:%Y-%m-%d %H:%M:%S}  {names[each.channel_id]}  {each.event}  {why}")


@group.command("replay")
def replay(
    name: Name,
    letter: Annotated[
        UUID | None, typer.Option("--id", help="One of them alone; left out: all it was not told")
    ] = None,
) -> None:
    """Send again what a channel was not told, each message under its own id."""
    now = wiring.clock().now()
    with wiring.database(Settings()).transaction() as session:
        known = channels.named(session, name)
        if letter is None:
            replayed = outbox.replay_all(session, known.id, now)
        else:
            if notifications.get(session, letter).channel_id != known.id:
                raise not_found("notification", f"{letter} of {name}")
            outbox.replay(session, letter, now)
            replayed = 1
        access.record_audit(session, now, actor(), "channel.replay", name, f"{replayed} notifications")
    typer.echo(f"{replayed} on the way to {name}")


def _entered(value: str) -> str:
    """What is secret stays out of the list of processes that everybody may see."""
    return sys.stdin.readline().strip() if value == _STDIN else value


def _print_secret(made: making.NewChannel) -> None:
    # Alone on standard output, as with `safelight key create`.
    if made.secret is not None:
        typer.echo(made.secret)
    typer.echo(f"{made.channel.name}: {made.channel.kind} at {made.channel.url}", err=True)

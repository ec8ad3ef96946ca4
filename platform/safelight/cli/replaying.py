"""Making a generation again: ordered straight in the store; the API's process makes it, a worker judges it."""

import time
from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.serving import remaking
from safelight.settings import Settings
from safelight.store import generation_replays, generations
from safelight.store.generation_replays import ReplayState

commands = typer.Typer()

_POLL_SECONDS = 0.5


@commands.command("replay")
def replay(
    generation_id: Annotated[UUID, typer.Argument(help="The generation's id")],
    version: Annotated[int | None, typer.Option(help="Another version than the one that made it", min=1)] = None,
) -> None:
    """Make a generation again, and say how like the original the image is."""
    database = wiring.database(Settings())
    with database.transaction() as session:
        record = generations.get(session, generation_id)
        asked = remaking.order(session, record, version, actor=actor(), now=wiring.clock().now())
    typer.echo(f"replay {asked.id} on version {asked.version}", err=True)
    while not asked.state.ended:
        time.sleep(_POLL_SECONDS)
        with database.reading() as session:
            asked = generation_replays.get(session, asked.id)
    if asked.state is ReplayState.FAILED:
        typer.echo(f"failed: {asked.error} [{asked.error_code}]")
        raise typer.Exit(1)
    typer.echo(f"{asked.result['likeness']}: {asked.result['summary']}")
    typer.echo(f"made as generation {asked.made_id}")

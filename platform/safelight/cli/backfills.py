"""Scoring stored images anew after a change of embedder: straight on the store; the worker does it."""

import time
from datetime import timedelta
from typing import Annotated

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.scoring.backfill import order
from safelight.settings import Settings
from safelight.store import backfills
from safelight.store.backfills import Backfill, BackfillState

commands = typer.Typer()

_POLL_SECONDS = 1.0


@commands.command("backfill")
def backfill(
    generator: Annotated[str, typer.Argument(help="The generator's name")],
    hours: Annotated[float, typer.Option(help="How far back images are scored anew", min=0.01)] = 7 * 24.0,
    wait: Annotated[bool, typer.Option(help="Stay until it is done")] = True,
) -> None:
    """Score stored images anew with the workers' embedder, wherever another one has scored them."""
    clock, database = wiring.clock(), wiring.database(Settings())
    now = clock.now()
    with database.transaction() as session:
        asked = order(
            session,
            generator=generator,
            start=now - timedelta(hours=hours),
            end=now,
            actor=actor(),
            now=now,
        )
    typer.echo(f"{asked.id}  a running worker scores them, the newest first")
    said = ""
    while wait and asked.state is BackfillState.RUNNING:
        time.sleep(_POLL_SECONDS)
        with database.reading() as session:
            asked = backfills.get(session, asked.id)
        if (standing := _standing(asked)) != said:
            typer.echo(standing)
            said = standing


def _standing(asked: Backfill) -> str:
    if asked.embedder_digest is None:
        return "waiting for a worker"
    left_out = f", {asked.missing} have no image any more" if asked.missing else ""
    return f"{asked.state}: {asked.done} of {asked.total} ({asked.progress:.0%}){left_out}"

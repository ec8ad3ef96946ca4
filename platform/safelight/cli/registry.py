"""Edits made in the version registry outside Safelight: straight on the store."""

from typing import Annotated

import typer

from registry.reconciling import HELD, EditPolicy
from safelight import wiring
from safelight.cli.actor import actor
from safelight.settings import Settings
from safelight.store import access, guard, reconciling, versions

group = typer.Typer(help="What others changed in the version registry, and what is done about it.")

Generator = Annotated[str, typer.Argument(help="The generator's name")]


@group.command("findings")
def findings(generator: Generator, limit: Annotated[int, typer.Option(min=1, max=500)] = 20) -> None:
    """List the edits that were noticed, the newest first, with what became of each."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        looked_at, stop = reconciling.last_look(session, generator), guard.stopped(session)
        for each in reconciling.page(session, generator, None, limit):
            held = f", held by {stop.stopped_by}'s stop" if stop and each.remedy in HELD else ""
            stands = each.outcome or f"stands: {each.remedy}{held}"
            typer.echo(f"{each.noticed_at:%Y-%m-%d %H:%M:%S}  {stands}  {each.detail}")
    said = f"last held against the ledger at {looked_at:%Y-%m-%d %H:%M:%S} UTC" if looked_at else "not looked at yet"
    typer.echo(f"{generator}: {said}", err=True)


@group.command("policy")
def policy(
    generator: Generator,
    chosen: Annotated[EditPolicy | None, typer.Argument(help="Left out: print the one that holds")] = None,
) -> None:
    """Say what becomes of an alias that somebody moves outside Safelight: it is put back, or adopted as a release."""
    now, who = wiring.clock().now(), actor()
    with wiring.database(Settings()).transaction() as session:
        versions.require_generator(session, generator)
        if chosen is not None:
            reconciling.set_policy(session, generator, chosen, who, now)
            access.record_audit(session, now, who, "registry.policy", generator, chosen)
        typer.echo(reconciling.policy(session, generator))

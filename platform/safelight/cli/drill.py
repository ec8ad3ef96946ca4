"""`safelight drill`: straight on the store; a running engine host carries it out."""

import time
from typing import Annotated

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.responding import drilling
from safelight.settings import Settings
from safelight.store import drills
from safelight.store.drills import OPEN, DrillState, KnownDrill

commands = typer.Typer()

_LOOK_SECONDS = 0.5


@commands.command()
def drill(
    generator: Annotated[str, typer.Argument(help="The generator's name")],
    version: Annotated[int | None, typer.Option(help="Left out: the version that a rollback would go to")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is over; status 1 where it did not pass")] = False,
) -> None:
    """Have a version loaded afresh, beside what serves, to see that it can be gone back to and how long it takes."""
    database = wiring.database(Settings())
    with database.transaction() as session:
        ordered = drilling.ask(session, generator, version, actor(), wiring.clock().now())
    typer.echo(f"drill of version {ordered.version}: {ordered.state}  {ordered.id}")
    if not wait:
        return
    known = ordered
    while known.state in OPEN:
        time.sleep(_LOOK_SECONDS)
        with database.reading() as session:
            known = drills.require(session, ordered.id)
    typer.echo(_told(known))
    if known.state is not DrillState.PASSED:
        raise typer.Exit(1)


def _told(known: KnownDrill) -> str:
    if known.seconds is None:
        return f"{known.state} ({known.reason}): {known.detail}"
    parts = f"fetch {known.fetch_seconds:.1f}, load {known.load_seconds or 0:.1f}, check {known.check_seconds or 0:.1f}"
    return f"passed on {known.host} in {known.seconds:.1f} s ({parts})"

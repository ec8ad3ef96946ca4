"""Forgetting one user: straight on the store; a worker does it."""

import time
from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import Kind, SafelightError
from safelight.recording import erasing
from safelight.settings import Settings
from safelight.store import erasures
from safelight.store.erasures import ErasureState, Subject

commands = typer.Typer()

_POLL_SECONDS = 1.0


@commands.command("erase")
def erase(
    tenant: Annotated[str | None, typer.Option(help="Whose generations: the tenant they were recorded with")] = None,
    key: Annotated[UUID | None, typer.Option(help="Or the id of the API key they were made with")] = None,
    user: Annotated[str | None, typer.Option(help="Or one end user, as your service named them")] = None,
    reason: Annotated[str, typer.Option(help="For the audit log")] = "",
    wait: Annotated[bool, typer.Option(help="Stay until it is done")] = False,
) -> None:
    """Delete all that is recorded of one user up to now. It cannot be undone."""
    if [tenant, key, user].count(None) != 2:
        raise SafelightError(Kind.INVALID, "subject_invalid", "Name a --user, a --tenant or a --key, and only one.")
    store = wiring.database(Settings())
    with store.transaction() as session:
        subject, now = Subject(tenant, key, user), wiring.clock().now()
        asked = erasing.request(session, subject, reason, actor=actor(), now=now)
    typer.echo(f"{asked.id}  a running worker deletes it, and looks once more after a minute")
    while wait and asked.state is ErasureState.RUNNING:
        time.sleep(_POLL_SECONDS)
        with store.reading() as session:
            asked = erasures.get(session, asked.id)
    if asked.state is ErasureState.DONE:
        typer.echo(f"done: {asked.erased} generations deleted")

"""Images that are made in the background: straight on the store; the API's processes make them."""

from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.settings import Settings
from safelight.store import generation_jobs
from safelight.store.generation_jobs import KnownJob

group = typer.Typer(help="Images that are made in the background.", invoke_without_command=True)


@group.callback()
def jobs(
    context: typer.Context,
    last: Annotated[int, typer.Option(help="How many, the newest first", min=1, max=1000)] = 20,
) -> None:
    """List them."""
    if context.invoked_subcommand is not None:
        return
    with wiring.database(Settings()).reading() as session:
        found = generation_jobs.page(session, None, None, last)
    for job in found:
        typer.echo(_line(job))


@group.command("cancel")
def cancel(job_id: Annotated[UUID, typer.Argument(help="The job's id")]) -> None:
    """Stop one; what is being made of it is given up between two steps."""
    with wiring.database(Settings()).transaction() as session:
        typer.echo(_line(generation_jobs.cancel(session, job_id, wiring.clock().now())))


def _line(job: KnownJob) -> str:
    asked = f"{job.images} of {job.generator}"
    ended = job.error_code or f"{job.progress:.0%}"
    return (
        f"{job.id}  {job.created_at:%Y-%m-%d %H:%M:%S}  {job.state.value:9}  {ended:>5}  {asked}  by {job.created_by}"
    )

"""The guard: its stop switch and its policy. Straight on the store, so that they work while the API is down."""

from typing import Annotated

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.responding import stopping
from safelight.responding.policy import MOST_PER_HOUR, Action
from safelight.responding.recalling import MOST_DAYS, rehearsal
from safelight.settings import Settings
from safelight.store import access, guard, incidents, versions
from safelight.store.incidents import PolicyMode

group = typer.Typer(help="What may be done without asking a person.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Reason = Annotated[str, typer.Option(help="Why: it goes on the audit log")]


@group.command()
def status() -> None:
    """Say whether the guard may act, and each generator's policy."""
    with wiring.database(Settings()).reading() as session:
        standing = guard.stopped(session)
        policies = {
            each.name: (incidents.policy(session, each.name), guard.most_per_hour(session, each.name) or MOST_PER_HOUR)
            for each in versions.generators(session)
        }
    if standing is None:
        typer.echo("the guard may act")
    else:
        since = f"{standing.stopped_at:%Y-%m-%d %H:%M:%S}"
        typer.echo(f"STOPPED since {since} by {standing.stopped_by}: {standing.reason or 'no reason given'}")
    for name, (mode, most) in policies.items():
        typer.echo(f"{name:<24} {mode:<10} at most {most} automatic rollbacks an hour")


@group.command()
def stop(reason: Reason = "") -> None:
    """From now on nothing that serves is changed automatically; `safelight rollback` works as ever."""
    with wiring.database(Settings()).transaction() as session:
        standing = stopping.stop(session, actor(), reason, wiring.clock().now())
    typer.echo(f"stopped since {standing.stopped_at:%Y-%m-%d %H:%M:%S} by {standing.stopped_by}")


@group.command()
def resume(reason: Reason = "") -> None:
    """Let the guard act again, as each generator's policy says."""
    with wiring.database(Settings()).transaction() as session:
        stopping.resume(session, actor(), reason, wiring.clock().now())
    typer.echo("the guard may act")


@group.command()
def policy(
    generator: Generator,
    mode: Annotated[PolicyMode | None, typer.Option(help="What it may do; left out: as it is")] = None,
    most_per_hour: Annotated[
        int | None, typer.Option(min=1, max=10, help="Automatic rollbacks allowed within an hour; left out: as it is")
    ] = None,
) -> None:
    """Say what may be done about an incident without asking, and print what holds."""
    with wiring.database(Settings()).transaction() as session:
        now = wiring.clock().now()
        versions.require_generator(session, generator)
        if mode is not None:
            incidents.set_policy(session, generator, mode, actor(), now)
        if most_per_hour is not None:
            guard.set_most_per_hour(session, generator, most_per_hour, actor(), now)
        holds, most = incidents.policy(session, generator), guard.most_per_hour(session, generator) or MOST_PER_HOUR
        said = f"{holds}, at most {most} an hour"
        if mode is not None or most_per_hour is not None:
            access.record_audit(session, now, actor(), "policy.set", generator, said)
    typer.echo(f"{generator}: {said}")


@group.command("dry-run")
def dry_run(
    generator: Generator,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How far to look back")] = 30,
    most_per_hour: Annotated[int | None, typer.Option(min=1, max=10, help="Left out: as the policy has it")] = None,
) -> None:
    """Print what an armed policy would have done, from what is stored; it changes nothing."""
    with wiring.database(Settings()).reading() as session:
        found = rehearsal(session, generator, days, most_per_hour, wiring.clock().now())
    for step in found.steps:
        typer.echo(f"{step.at:%Y-%m-%d %H:%M:%S}  {step.action:<10} {step.title}\n{'':<21}{step.message}")
    rollbacks = sum(step.action is Action.ROLL_BACK for step in found.steps)
    looked = f"{found.incidents} incidents" if found.whole else f"the newest {found.incidents} incidents"
    typer.echo(f"{rollbacks} automatic rollbacks in {days} days, over {looked}")

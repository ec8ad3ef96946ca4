"""Services that others run: straight on the store; a running worker speaks to them."""

import json
import sys
from datetime import timedelta
from typing import Annotated

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import GuardedBackend
from safelight.releasing.overview import scope_states
from safelight.releasing.scoping import set_scopes
from safelight.releasing.targets import making
from safelight.releasing.targets.observing import confirm
from safelight.settings import Settings
from safelight.store import targets, versions
from safelight.store.database import Session
from safelight.store.ledger import DEFAULT_SCOPE
from safelight.store.targets import KnownTarget, TargetKind

group = typer.Typer(
    help="Services that others run: what they are told, and what they are seen to serve.", no_args_is_help=True
)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
InScope = Annotated[str, typer.Option(help="The scope it is in")]
_STDIN = "-"


@group.command("status")
def status(generator: Generator) -> None:
    """Say what should serve in each scope, and what does as far as anybody has seen."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        for each in scope_states(session, generator):
            observed = "not observed" if each.observed_version is None else f"version {each.observed_version}"
            desired = "nothing" if each.desired_version is None else f"version {each.desired_version}"
            kind = each.target.kind.value if each.target else "-"
            state = each.release.state.value if each.release else "-"
            typer.echo(
                f"{each.scope.name:<16} {kind:<14} {desired:<12} {observed:<14} {state:<10} {each.detail}".rstrip()
            )


@group.command("add")
def add(
    generator: Generator,
    kind: TargetKind,
    url: Annotated[str, typer.Argument(help="Of the receiver, or of the cluster's API server")],
    scope: InScope = DEFAULT_SCOPE,
    resource: Annotated[
        list[str] | None,
        typer.Option("--set", help="Of a cluster, KEY=VALUE: namespace, name, container, value, ca; given repeatedly"),
    ] = None,
    secret: Annotated[str, typer.Option(help="A cluster's bearer token; - reads it from standard input")] = "",
) -> None:
    """Make a target. A webhook's secret is printed, and cannot be shown again."""
    settings, now = Settings(), wiring.clock().now()
    described = dict(_pair(each) for each in resource or [])
    with wiring.database(settings).transaction() as session:
        made = making.create(
            session,
            generator=generator,
            scope=scope,
            kind=kind,
            url=url,
            secret=sys.stdin.readline().strip() if secret == _STDIN else secret,
            resource=described,
            reach=Reach.of(settings.notifying),
            actor=actor(),
            now=now,
        )
    # Alone on standard output, as with `safelight key create`.
    if made.secret is not None:
        typer.echo(made.secret)
    typer.echo(f"{made.target.id}: {kind} at {url}", err=True)


@group.command("rotate")
def rotate(
    generator: Generator,
    scope: InScope = DEFAULT_SCOPE,
    secret: Annotated[str, typer.Option(help="A cluster's bearer token; - reads it from standard input")] = "",
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=168, help="How long a webhook's previous secret counts")
    ] = 24.0,
) -> None:
    """Sign a webhook's orders with a new secret, and for a while with the previous one too; or take another token."""
    settings, now = Settings(), wiring.clock().now()
    entered, reach = sys.stdin.readline().strip() if secret == _STDIN else secret, Reach.of(settings.notifying)
    with wiring.database(settings).transaction() as session:
        known = _named(session, generator, scope)
        made = making.replace_secret(session, known.id, entered, reach, actor(), now, timedelta(hours=overlap_hours))
    if made.secret is not None:
        typer.echo(made.secret)


@group.command("remove")
def remove(generator: Generator, scope: InScope = DEFAULT_SCOPE) -> None:
    """Tell it nothing more: what its service serves is declared from now on."""
    with wiring.database(Settings()).transaction() as session:
        making.remove(session, _named(session, generator, scope).id, actor(), wiring.clock().now())
    typer.echo(f"{generator} has no target in the scope {scope} any more")


@group.command("plan")
def plan(generator: Generator, version: int, scope: InScope = DEFAULT_SCOPE) -> None:
    """A dry run: print the exact request that a release of the version would make. Nothing is changed."""
    settings, clock = Settings(), wiring.clock()
    database, notifying = wiring.database(settings), settings.notifying
    with database.reading() as session:
        known = _named(session, generator, scope)
    planned = making.plan(
        database,
        known.id,
        version,
        lambda: GuardedBackend(clock, notifying.timeout_seconds, Reach.of(notifying)),
        actor(),
        clock.now(),
    )
    typer.echo(f"{planned.method} {planned.url}")
    if planned.body:
        typer.echo(f"Content-Type: {planned.content_type}\n\n{json.dumps(json.loads(planned.body), indent=2)}")
    else:
        typer.echo("It is there already: nothing would be changed.")


@group.command("tell")
def tell(generator: Generator, scope: InScope = DEFAULT_SCOPE) -> None:
    """Have it serve what it should, at once: also where somebody else has changed it since."""
    with wiring.database(Settings()).transaction() as session:
        making.tell_again(session, _named(session, generator, scope).id, actor(), wiring.clock().now())
    typer.echo(f"{generator} is told again in the scope {scope}")


@group.command("confirm")
def confirm_by_hand(generator: Generator, version: int, scope: InScope = DEFAULT_SCOPE, detail: str = "") -> None:
    """Say, as a person who has looked, which version a target serves."""
    with wiring.database(Settings()).transaction() as session:
        known = _named(session, generator, scope)
        if known.release_id is None:
            raise making.nothing_released()
        said = detail or f"confirmed by {actor()}"
        confirm(session, known.id, known.release_id, version, said, actor(), wiring.clock().now())
    typer.echo(f"{generator} was seen to serve version {version} in the scope {scope}")


@group.command("scopes")
def scopes(
    generator: Generator,
    named: Annotated[
        list[str] | None,
        typer.Argument(help="NAME or NAME:BAKE_SECONDS, in order, default first; left out: print them"),
    ] = None,
) -> None:
    """Name the scopes that a release goes through, in order."""
    with wiring.database(Settings()).transaction() as session:
        if named:
            set_scopes(session, generator, [_scope(each) for each in named], actor(), wiring.clock().now())
        versions.require_generator(session, generator)
        for each in scope_states(session, generator):
            typer.echo(f"{each.scope.name}:{each.scope.bake_seconds:g}")


def _named(session: Session, generator: str, scope: str) -> KnownTarget:
    found = targets.find(session, generator, scope)
    if found is None:
        raise targets.missing(generator, scope)
    return found


def _pair(told: str) -> tuple[str, str]:
    key, sign, value = told.partition("=")
    if not sign or not key:
        raise typer.BadParameter(f"{told!r} is not KEY=VALUE", param_hint="--set")
    return key, value


def _scope(told: str) -> tuple[str, float]:
    name, _, seconds = told.partition(":")
    try:
        return name, float(seconds or 0)
    except ValueError:
        raise typer.BadParameter(f"{told!r} is not NAME or NAME:BAKE_SECONDS", param_hint="NAMED") from None

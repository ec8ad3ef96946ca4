"""Gates: straight on the store, so that they can be asked and set while the API is down."""

from pathlib import Path
from typing import Annotated

import typer

from registry.gates.policy import parse_policy
from registry.gates.result import Decision, decide
from registry.manifest import parse_provenance
from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import Kind, SafelightError
from safelight.releasing import gate_policies
from safelight.settings import Settings
from safelight.store import gates, versions

group = typer.Typer(help="What a version has to show before it may serve.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Version = Annotated[int, typer.Argument(help="The version's number")]


@group.command("show")
def show(generator: Generator) -> None:
    """Print a generator's gate policy as JSON, for `gates set`."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        known = gates.policy(session, generator)
    typer.echo(known.policy.model_dump_json(indent=2))


@group.command("set")
def put(generator: Generator, document: Annotated[Path, typer.Argument(help="The policy as JSON")]) -> None:
    """Give a generator its gate policy. What a document leaves out is not required."""
    policy = parse_policy(_bytes(document))
    with wiring.database(Settings()).transaction() as session:
        gate_policies.put(session, generator, policy, actor=actor(), now=wiring.clock().now())
    typer.echo(f"{generator}: the gate policy is set")


@group.command("check")
def check(generator: Generator, version: Version) -> None:
    """Would this version pass, promoted by you? Orders nothing. Status 1 when it would be refused."""
    with wiring.database(Settings()).reading() as session:
        results = wiring.releasing().check(session, generator=generator, version=version, promoter=actor())
    for each in results:
        need = "required" if each.required else "-"
        typer.echo(f"{each.gate:<14} {each.outcome:<15} {need:<9} {each.summary}")
    decision = decide(results, override=False)
    typer.echo(
        {
            Decision.PASS: "It would pass.",
            Decision.WAIT: "It would pass so far; the rest is made when it is promoted.",
            Decision.REFUSE: "It would be refused.",
        }[decision]
    )
    if decision is Decision.REFUSE:
        raise typer.Exit(1)


@group.command("approve")
def approve(
    generator: Generator, version: Version, note: Annotated[str, typer.Option(help="What you looked at")] = ""
) -> None:
    """Approve of a version that somebody else registered."""
    with wiring.database(Settings()).transaction() as session:
        gate_policies.approve(session, generator, version, by=actor(), note=note, now=wiring.clock().now())
    typer.echo(f"version {version} of {generator}: approved by {actor()}")


@group.command("provenance")
def tell(
    generator: Generator,
    version: Version,
    document: Annotated[Path, typer.Argument(help="As the manifest's provenance, as JSON")],
) -> None:
    """Say what a version was made of after it was registered; its manifest stays as it is."""
    provenance = parse_provenance(_bytes(document))
    with wiring.database(Settings()).transaction() as session:
        now = wiring.clock().now()
        gate_policies.tell_provenance(session, generator, version, provenance, by=actor(), now=now)
    typer.echo(f"version {version} of {generator}: its provenance is told")


def _bytes(document: Path) -> bytes:
    try:
        return document.read_bytes()
    except OSError as error:
        raise SafelightError(Kind.INVALID, "document_unreadable", f"{document} cannot be read ({error}).") from error

"""Register, promote, roll back: straight on the store, so that they work while the API is down."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from registry.assembling import AdapterFile, assembled, completed
from registry.checkpoint import inspect
from registry.drafting import draft_manifest
from registry.manifest import parse_manifest
from registry.progress import State
from safelight import wiring
from safelight.cli.actor import actor
from safelight.cli.canaries import plan_of
from safelight.cli.documents import read_object
from safelight.settings import Settings
from safelight.store import releases

commands = typer.Typer()

_ADAPTER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})=(?P<file>.+?)(:(?P<scale>-?\d{1,6}(\.\d+)?))?")

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Reason = Annotated[str, typer.Option(help="Why: it is kept in the ledger")]
Expected = Annotated[int | None, typer.Option(help="Refuse unless this version serves")]


@commands.command()
def manifest(folder: Annotated[Path, typer.Argument(help="A diffusers folder, safetensors only")]) -> None:
    """Print a first manifest for a checkpoint, to be corrected and handed to `register`."""
    document = draft_manifest(folder).model_dump(mode="json", exclude={"checkpoint"})
    typer.echo(json.dumps(document, indent=2))


@commands.command()
def register(
    generator: Generator,
    folder: Annotated[Path, typer.Argument(help="A diffusers folder, safetensors only")],
    document: Annotated[
        Path | None,
        typer.Option("--manifest", help="The version's manifest as JSON; left out: as `manifest` prints it"),
    ] = None,
    adapter: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE or NAME=FILE:SCALE, low-rank weights; may be given repeatedly")
    ] = None,
    golden: Annotated[
        bool, typer.Option("--golden", help="Draw the golden prompts here and keep them: every engine must match")
    ] = False,
    description: Annotated[str, typer.Option(help="A few words about the version")] = "",
) -> None:
    """Register a checkpoint as a new version."""
    if document is None:
        manifest = draft_manifest(folder).model_dump(mode="json", exclude={"checkpoint"})
    else:
        manifest = read_object(document)
    if description:
        manifest["description"] = description
    settings, adapters = Settings(), [_adapter(each) for each in adapter or []]
    images = _keep_golden(settings, folder, manifest, adapters) if golden else None
    known = wiring.registration(settings).register(generator, folder, manifest, actor(), adapters, images)
    typer.echo(f"{known.generator} version {known.number}  {known.digest}")


def _keep_golden(
    settings: Settings, folder: Path, manifest: dict[str, object], adapters: list[AdapterFile]
) -> dict[str, bytes]:
    """Draw them with the adapters in place, and name the images in the manifest."""
    from safelight.comparing.golden import drawn_golden  # brings in what draws, which no other command here needs

    with assembled(folder, adapters) as whole:
        complete = parse_manifest(completed(inspect(whole), manifest, adapters))
        engine = settings.engine
        manifest["golden"], images = drawn_golden(whole, complete, device=engine.device, threads=engine.threads)
    return images


def _adapter(told: str) -> AdapterFile:
    match = _ADAPTER.fullmatch(told)
    if match is None:
        raise typer.BadParameter(f"{told!r} is not NAME=FILE or NAME=FILE:SCALE", param_hint="--adapter")
    return AdapterFile(name=match["name"], file=Path(match["file"]), scale=float(match["scale"] or 1))


@commands.command("register-external")
def register_external(
    generator: Generator,
    name: Annotated[str, typer.Argument(help="What your service calls the version: a release, an image's tag")],
    uri: Annotated[str | None, typer.Option(help="Where its checkpoint lies; it is never opened")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Digest of the weights, sha256:...")] = None,
    document: Annotated[
        Path | None, typer.Option("--manifest", help="More facts as JSON: defaults, facts, tags, provenance")
    ] = None,
    description: Annotated[str, typer.Option(help="A few words about the version")] = "",
) -> None:
    """Register a version that your own service serves, without its checkpoint."""
    named = {"name": name, "uri": uri, "checkpoint": checkpoint, "description": description}
    manifest = read_object(document) if document else {}
    manifest |= {field: told for field, told in named.items() if told}
    known = wiring.registration(Settings()).register_external(generator, manifest, actor())
    typer.echo(f"{known.generator} version {known.number}  {known.digest}")


@commands.command()
def promote(
    generator: Generator,
    version: int,
    reason: Reason = "",
    expected: Expected = None,
    override: Annotated[
        str | None, typer.Option(help="Why you answer for a version that does not pass its gates")
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(help="A canary's step: WEIGHT:SECONDS in percent, WEIGHT+SHADOW:SECONDS, either with :pause"),
    ] = None,
    canary: Annotated[Path | None, typer.Option(help="The whole plan of a canary as JSON, in place of steps")] = None,
) -> None:
    """Have a version loaded and checked; it serves as soon as its gates have passed.

    One that your own service serves is entered into the ledger at once.
    """
    settings = Settings()
    with wiring.database(settings).transaction() as session:
        release = wiring.releasing().promote(
            session,
            generator=generator,
            version=version,
            expected_serving=expected,
            actor=actor(),
            reason=reason,
            override=override,
            canary=plan_of(step or [], canary),
        )
        steps = releases.steps(session, release.id)
    typer.echo(f"promote {release.from_version} -> {release.to_version}: {release.state}  {release.id}")
    if release.state is State.FAILED:
        typer.echo(steps[-1].detail, err=True)
        raise typer.Exit(1)


@commands.command()
def rollback(
    generator: Generator,
    to: Annotated[int | None, typer.Option(help="The version to go back to; left out: the last known good")] = None,
    reason: Reason = "",
    expected: Expected = None,
) -> None:
    """Take production back to the last known good version."""
    with wiring.database(Settings()).transaction() as session:
        release = wiring.releasing().rollback(
            session, generator=generator, to=to, expected_serving=expected, actor=actor(), reason=reason
        )
    typer.echo(f"rollback {release.from_version} -> {release.to_version}: {release.state}  {release.id}")


@commands.command()
def accept(generator: Generator, reason: Reason = "", expected: Expected = None) -> None:
    """Call what serves good: from now on it is a target of rollbacks."""
    with wiring.database(Settings()).transaction() as session:
        entry = wiring.releasing().accept(
            session, generator=generator, expected_serving=expected, actor=actor(), reason=reason
        )
    typer.echo(f"version {entry.to_version} is accepted")

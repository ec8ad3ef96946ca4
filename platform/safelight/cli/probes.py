"""Probe sets and probes: straight on the store; a running Safelight makes what is ordered here."""

from pathlib import Path
from typing import Annotated

import typer

from monitors.probes import Comparison, assess
from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import Kind, SafelightError
from safelight.probing import keeping, requesting
from safelight.probing.sets import SYNTHETIC, read_csv, read_lines
from safelight.responding.confirming import ALPHA
from safelight.settings import Settings
from safelight.store import probe_sets, probes, versions
from safelight.store.probes import KnownRun

commands = typer.Typer(help="Fixed prompts and seeds that versions are held to.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
_READERS = {".csv": read_csv, ".jsonl": read_lines, ".ndjson": read_lines}


@commands.command("sets")
def list_sets(generator: Generator) -> None:
    """List the probe sets of a generator."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        for each in probe_sets.of_generator(session, generator):
            typer.echo(f"{each.name:<24} {len(each.probes):>5} probes  {each.source:<10} {each.digest}")


@commands.command("import")
def import_set(
    generator: Generator,
    file: Annotated[Path, typer.Argument(help="CSV with a column 'prompt', or JSON lines; seed and parameters if any")],
    name: Annotated[str, typer.Option(help="What the set is called; sets never change")],
) -> None:
    """Keep a probe set of one's own."""
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise SafelightError(
            Kind.INVALID,
            "probe_set_invalid",
            f"{file.name} ends neither in .csv nor in .jsonl, which say how to read it.",
        )
    try:
        text = keeping.decoded(file.read_bytes())
    except OSError as error:
        raise SafelightError(Kind.INVALID, "file_unreadable", f"{file} cannot be read: {error.strerror}.") from error
    found = reader(text)
    with wiring.database(Settings()).transaction() as session:
        now = wiring.clock().now()
        kept = keeping.keep(session, generator, name, "imported", found, actor=actor(), now=now)
    typer.echo(f"probe set {kept.name} of {kept.generator}: {len(kept.probes)} probes  {kept.digest}")


@commands.command("run")
def run(
    generator: Generator,
    version: int,
    against: Annotated[int | None, typer.Option(help="The version whose outputs count; left out: its own")] = None,
    probe_set: Annotated[str, typer.Option("--set", help="Which probes")] = SYNTHETIC,
    pairs: Annotated[int | None, typer.Option(min=16, help="How many; left out: the whole set")] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Keep them: later probes of the version are held against them")
    ] = False,
) -> None:
    """Have a version make probes, before a promote for instance; `show` tells what they say."""
    if store and (against is not None or pairs is not None):
        raise typer.BadParameter("What is stored is the whole set of the version itself.", param_hint="--store")
    with wiring.database(Settings()).transaction() as session:
        now = wiring.clock().now()
        if store:
            ordered = requesting.store_outputs(
                session, generator=generator, version=version, probe_set=probe_set, actor=actor(), now=now
            )
        else:
            ordered = requesting.request(
                session,
                generator=generator,
                version=version,
                against=against,
                probe_set=probe_set,
                pairs=pairs,
                actor=actor(),
                now=now,
            )
    typer.echo(f"{len(ordered.places)} probes of version {version} are ordered: safelight probes show {generator}")


@commands.command("show")
def show(generator: Generator, limit: Annotated[int, typer.Option(min=1, max=200)] = 20) -> None:
    """Print the newest probe runs and what they say."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        for each in probes.page(session, generator, limit=limit):
            typer.echo(f"{each.ordered_at:%Y-%m-%d %H:%M:%S}  {each.purpose:<9} {_held(each):<12} {_said(each)}")


def _held(each: KnownRun) -> str:
    return f"{each.version}" if each.against is None else f"{each.version} to {each.against}"


def _said(each: KnownRun) -> str:
    document = each.result.get("comparison")
    if document is None:
        return f"{each.state}  {each.detail}".rstrip()
    verdict = assess(Comparison.from_dict(document), ALPHA)
    return f"{verdict.health} ({verdict.reason})  {verdict.summary}"

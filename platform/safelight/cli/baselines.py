"""Baselines: straight on the store, so that they are made while the API is down; only a replay needs an engine."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.store import access, baseline_jobs, baselines, versions
from safelight.store.baseline_jobs import KnownJob, Phase
from safelight.store.database import Database
from safelight.store.job_state import JobState
from safelight.watching import recorded
from safelight.watching.baselines import from_recorded
from safelight.watching.inspecting import inspect
from safelight.watching.lenses import LensCache
from safelight.watching.making import Maker
from safelight.watching.ordering import Ordered, Source, order_logged, order_replay

group = typer.Typer(help="What 'as it was' means, version by version.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Version = Annotated[int, typer.Argument(help="The version's number")]
Name = Annotated[str, typer.Option(help="What it is called; baselines never change")]

_POLL_SECONDS = 1.0
_TOPICS_SHOWN = 12


@group.command("make")
def make(
    generator: Generator,
    version: Version,
    name: Name,
    source: Annotated[Source, typer.Option(help="Where its generations come from")] = Source.TRAFFIC,
    hours: Annotated[float, typer.Option(help="How far back the log is read", min=0.01)] = 24.0,
    prompts: Annotated[int, typer.Option(help="How many requests a replay makes anew")] = 1_024,
    probe_set: Annotated[str | None, typer.Option(help="Replay the probes of this set: for want of traffic")] = None,
    wait: Annotated[bool, typer.Option(help="Stay until it is made")] = True,
) -> None:
    """Make a baseline: what the monitors compare with."""
    clock, database = wiring.clock(), wiring.database(Settings())
    now, wanted = clock.now(), Ordered(generator, version, name, actor())
    if source is Source.RECORDED:
        raise SafelightError(
            Kind.INVALID, "source_invalid", "A recorded stream is a file: 'safelight baseline import' reads it."
        )
    with database.transaction() as session:
        if source is Source.REPLAY:
            job = order_replay(session, wanted, prompts, now, probe_set)
        else:
            job = order_logged(session, wanted, source, now - timedelta(hours=hours), now, now)
    if job.phase is Phase.FITTING:
        Maker(database, clock, f"{actor()}-{job.id}").work(job)
    elif not wait:
        typer.echo(f"{job.id}  the worker goes on with it: safelight baseline jobs {generator}")
        return
    _follow(database, job)


@group.command("import")
def import_recorded(
    generator: Generator,
    version: Version,
    file: Annotated[Path, typer.Argument(help="A recorded stream of the version's generations")],
    name: Name,
) -> None:
    """Make a baseline of a recorded stream: embeddings and signals in a file, no image and no prompt."""
    clock, database = wiring.clock(), wiring.database(Settings())
    stream = recorded.read(file)
    with database.reading() as session:
        known = versions.require_version(session, generator, version)
    fitted = from_recorded(
        stream,
        generator=generator,
        version=version,
        bundle_digest=known.digest,
        embedder_digest=stream.embedder_digest,
        name=name,
        created_by=actor(),
    )
    with database.transaction() as session:
        made = baselines.add(session, fitted, clock.now())
        access.record_audit(session, clock.now(), actor(), "baseline.create", f"{generator} {version} {name}")
    typer.echo(f"baseline {made.name} of version {made.version}: {made.n} generations")


@group.command("list")
def list_baselines(generator: Generator) -> None:
    """List the baselines of a generator, the newest first."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        for each in baselines.of_generator(session, generator):
            typer.echo(
                f"{each.id}  {each.created_at:%Y-%m-%d %H:%M}  v{each.version:<3} {each.source:<8} n={each.n:<6} "
                f"{each.name}"
            )


@group.command("show")
def show(baseline_id: UUID) -> None:
    """Show what a baseline is about, and how small a change it lets the monitors see."""
    settings = Settings()
    with wiring.database(settings).reading() as session:
        found = inspect(session, baselines.get(session, baseline_id), LensCache(), settings.watching)
    known = found.baseline
    typer.echo(f"{known.name}: version {known.version} of {known.generator}, from {known.source}, n = {known.n}")
    typer.echo(f"made {known.created_at:%Y-%m-%d %H:%M} by {known.created_by}")
    typer.echo(f"lens {known.lens_digest}\nembedder {known.embedder_digest}")
    if found.sight is None:
        typer.echo("This release cannot read its lens. Make a new one.")
    else:
        typer.echo(f"smallest effect seen, in standard deviations, at alpha = {found.sight.alpha:.2g}:")
        for n, effect in found.sight.points:
            typer.echo(f"  in a window of {n:>7,} generations: {effect:.2f}")
        typer.echo(f"  in any window: {found.sight.floor:.2f}; half of it takes n = {found.sight.half_needs:,}")
    total = max(1, sum(topic.n for topic in found.topics))
    for topic in found.topics[:_TOPICS_SHOWN]:
        typer.echo(f"  {topic.n / total:6.1%}  {' '.join(topic.words) or '-'}")


@group.command("jobs")
def jobs(generator: Generator) -> None:
    """List the baselines that are being made, and those that were, the newest first."""
    with wiring.database(Settings()).reading() as session:
        versions.require_generator(session, generator)
        for job in baseline_jobs.page(session, generator):
            typer.echo(f"{job.id}  {_standing(job)}  {job.name}")


@group.command("cancel")
def cancel(job_id: UUID) -> None:
    """Stop making a baseline; images that were made for it stay in the log."""
    now = wiring.clock().now()
    with wiring.database(Settings()).transaction() as session:
        job = baseline_jobs.cancel(session, job_id, now)
        access.record_audit(session, now, actor(), "baseline.cancelled", f"{job.generator} {job.name}")
    typer.echo(f"{job.name} is cancelled")


def _follow(database: Database, job: KnownJob) -> None:
    """Tell how a job comes along until it has ended. Leaving does not stop it."""
    said = ""
    while True:
        with database.reading() as session:
            job = baseline_jobs.get(session, job.id)
        if job.state.ended:
            break
        if (standing := _standing(job)) != said:
            typer.echo(standing)
            said = standing
        time.sleep(_POLL_SECONDS)
    if job.state is not JobState.DONE or job.baseline_id is None:
        raise SafelightError(Kind.CONFLICT, job.error_code or "baseline_cancelled", job.error or "It was cancelled.")
    with database.reading() as session:
        made = baselines.get(session, job.baseline_id)
    typer.echo(
        f"baseline {made.name} of version {made.version}: {made.n} generations, {made.blank} blank ones left out"
    )


def _standing(job: KnownJob) -> str:
    if job.state.ended:
        return f"{job.state}{f' ({job.error_code})' if job.error_code else ''}"
    return f"{job.phase} {job.done} of {job.total}" if job.total else str(job.phase)

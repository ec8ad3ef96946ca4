"""Canaries: straight on the store, so that they can be called off while the API is down."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from registry.canary import CanaryPlan
from safelight import wiring
from safelight.cli.actor import actor
from safelight.errors import Kind, SafelightError
from safelight.releasing.canary import Canarying
from safelight.settings import Settings
from safelight.store import canaries, guard, releases, versions
from safelight.store.canaries import KnownCanary
from safelight.store.database import Session
from safelight.store.releases import CANARIES, KnownRelease

group = typer.Typer(help="A promote that takes the traffic step by step.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the release")]

_STEP = re.compile(r"(?P<weight>\d+)(\+(?P<shadow>\d+))?:(?P<bake>\d+)(?P<pause>:pause)?")
_LOOKED_AT = 100


def plan_of(steps: Sequence[str], document: Path | None) -> CanaryPlan | None:
    """The plan that a promote's options name; None where they name none. Raises SafelightError canary_plan_invalid."""
    try:
        if document is not None:
            if steps:
                raise _invalid("give the plan as a file or as steps, not both")
            return CanaryPlan.model_validate_json(document.read_bytes())
        return CanaryPlan.model_validate({"steps": [_step(each) for each in steps]}) if steps else None
    except ValidationError as error:
        said = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
        raise _invalid("; ".join(f"{where}: {what}" for where, what in said)) from error
    except OSError as error:
        raise _invalid(f"{document} cannot be read ({error.strerror})") from error


@group.command()
def show(generator: Generator) -> None:
    """Print how far the newest canary of a generator has come, and what is known of its version."""
    with wiring.database(Settings()).reading() as session:
        release, canary = _newest(session, generator)
        steps, stop = releases.steps(session, release.id), guard.stopped(session)
    typer.echo(f"promote {release.from_version} -> {release.to_version}: {release.state}  {release.id}")
    for place, step in enumerate(canary.plan.steps):
        mark = ">" if place == canary.step and release.state in CANARIES else " "
        typer.echo(f"{mark} step {place + 1}: {step}, {step.bake_seconds} s{', then a person' if step.pause else ''}")
    if canary.verdict is not None:
        typer.echo(f"{canary.verdict.health}: {canary.verdict.summary}")
    if stop is not None and release.state in CANARIES:
        typer.echo(f"held: the stop switch is on, turned by {stop.stopped_by}; it takes no step by itself")
    typer.echo(f"{steps[-1].at:%Y-%m-%d %H:%M:%S}  {steps[-1].step}  {steps[-1].detail}")


@group.command()
def promote(generator: Generator, reason: Reason = "") -> None:
    """Take the next step now, whatever has been shown; after the last one all traffic."""
    _say("promote", generator, reason)


@group.command("promote-fully")
def promote_fully(generator: Generator, reason: Reason = "") -> None:
    """Have it serve all traffic now, whatever has been shown."""
    _say("promote_fully", generator, reason)


@group.command()
def pause(generator: Generator, reason: Reason = "") -> None:
    """Stay at this step until somebody says otherwise."""
    _say("pause", generator, reason)


@group.command()
def resume(generator: Generator, reason: Reason = "") -> None:
    """Go on where it was paused."""
    _say("resume", generator, reason)


@group.command()
def abort(generator: Generator, reason: Reason = "") -> None:
    """Call it off: from now on no request goes to its version."""
    _say("abort", generator, reason)


@group.command()
def retry(generator: Generator, reason: Reason = "") -> None:
    """Ask for the newest canary again, from its first step."""
    _say("retry", generator, reason)


def _say(verb: str, generator: str, reason: str) -> None:
    canarying = Canarying(wiring.releasing(), wiring.clock())
    with wiring.database(Settings()).transaction() as session:
        release, _ = _newest(session, generator)
        after = getattr(canarying, verb)(session, release.id, actor(), reason)
        steps = releases.steps(session, after.id)
    typer.echo(f"promote {after.from_version} -> {after.to_version}: {after.state}  {steps[-1].detail}  {after.id}")


def _newest(session: Session, generator: str) -> tuple[KnownRelease, KnownCanary]:
    versions.require_generator(session, generator)
    for release in releases.page(session, generator, None, _LOOKED_AT):
        canary = canaries.find(session, release.id)
        if canary is not None:
            return release, canary
    message = f"No release of {generator} has a canary. Begin one with `safelight promote --step`."
    raise SafelightError(Kind.NOT_FOUND, "canary_not_found", message)


def _step(told: str) -> dict[str, object]:
    match = _STEP.fullmatch(told)
    if match is None:
        raise _invalid(f"{told!r} is not WEIGHT:SECONDS, WEIGHT+SHADOW:SECONDS or either with :pause")
    return {
        "weight": int(match["weight"]),
        "shadow": int(match["shadow"] or 0),
        "bake_seconds": int(match["bake"]),
        "pause": match["pause"] is not None,
    }


def _invalid(what: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "canary_plan_invalid", f"This is no plan of a canary: {what}.")

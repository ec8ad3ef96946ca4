"""Evidence for auditors: straight from the store."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from safelight import wiring
from safelight.auditing.archive import zipped
from safelight.auditing.pack import evidence as pack
from safelight.auditing.records import Period
from safelight.settings import Settings

commands = typer.Typer()

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@commands.command()
def evidence(
    generator: Annotated[str, typer.Option(help="Whose records")],
    since: Annotated[datetime, typer.Option(formats=_DAYS, help="In UTC")],
    until: Annotated[datetime | None, typer.Option(formats=_DAYS, help="In UTC, not included; left out: now")] = None,
    out: Annotated[Path, typer.Option(help="The zip to write; one that exists is replaced")] = Path("evidence.zip"),
) -> None:
    """Write a pack for an auditor: every record of a period, mapped to NIST AI RMF, AI 600-1 and ISO/IEC 42001."""
    settings, now = Settings(), wiring.clock().now()
    end = until.replace(tzinfo=UTC) if until else now
    period = Period(generator, since.replace(tzinfo=UTC), end, settings.watching)
    files = pack(wiring.database(settings), period, now)
    with out.open("wb") as file:
        file.writelines(zipped(files, now))
    typer.echo(f"{out}: {out.stat().st_size:,} bytes")

"""Keys and login links."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from safelight import wiring
from safelight.access import Role
from safelight.cli.actor import actor
from safelight.errors import not_found
from safelight.settings import Settings
from safelight.store import access

commands = typer.Typer()
keys = typer.Typer(help="API keys.", no_args_is_help=True)

LINK_LIFE = timedelta(minutes=30)


@commands.command()
def login(
    name: Annotated[str, typer.Option(help="Who it is for: the name on the audit log")] = "admin",
    role: Annotated[Role, typer.Option()] = Role.ADMIN,
) -> None:
    """Print a link that opens the dashboard once, within half an hour."""
    typer.echo(login_link(Settings(), name, role))


def login_link(settings: Settings, name: str, role: Role) -> str:
    """The token stands after a '#', where no server and no log sees it."""
    now = wiring.clock().now()
    with wiring.database(settings).transaction() as session:
        token = access.create_login_link(session, name, role, now + LINK_LIFE)
        access.record_audit(session, now, actor(), "login_link.create", f"{name} ({role})")
    return f"{settings.public_url}/login#token={token}"


@keys.command("create")
def create(name: str, role: Annotated[Role, typer.Option()] = Role.CLIENT) -> None:
    """Make a key and print its secret, which cannot be shown again."""
    now = wiring.clock().now()
    with wiring.database(Settings()).transaction() as session:
        key, secret = access.create_key(session, name, role, now)
        access.record_audit(session, now, actor(), "key.create", f"{name} ({role})")
    # Alone on standard output, so that KEY=$(safelight key create ...) holds the secret and nothing else.
    typer.echo(secret)
    typer.echo(f"key {key.id}, role {key.role}; its secret cannot be shown again", err=True)


@keys.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""
    with wiring.database(Settings()).reading() as session:
        for key in access.keys(session):
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else "valid"
            typer.echo(f"{key.id}  {key.role:<9} {state:<28} {key.name}")


@keys.command("revoke")
def revoke(key_id: UUID) -> None:
    """Revoke a key, and every session opened with it."""
    now = wiring.clock().now()
    with wiring.database(Settings()).transaction() as session:
        if not access.revoke_key(session, key_id, now):
            raise not_found("key", key_id)
        access.record_audit(session, now, actor(), "key.revoke", str(key_id))
    typer.echo("revoked")

"""`safelight ray`."""

import typer

from safelight import supervisor
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings

commands = typer.Typer()


@commands.command()
def ray() -> None:
    """Hold the wanted versions on a Ray cluster, in place of `safelight engine`."""
    supervisor.die_with_supervisor()
    settings = migrated(Settings())
    try:
        from safelight.serving import ray_serve
    except ImportError as error:
        raise SafelightError(
            Kind.INVALID, "ray_not_installed", "Ray is not installed here: pip install 'safelight[ray]'."
        ) from error
    from safelight.wiring.ray import cluster_host, shared_stores

    ray_serve.connect(settings.ray.address, shared_stores=shared_stores(settings))
    try:
        cluster_host(settings).run(stop_on_signals())
    finally:
        ray_serve.disconnect(settings.ray.address)
    leave()

"""The one door to Ray: a Serve application for each version, whose replicas are engine hosts of their own.

Serve places them, shares GPUs out, starts them again and decides how many there are. It carries no request: gateways
know each replica from the store and order from its engine, so that batches, turns, deadlines, progress and the flip of
a release are what they are on one machine.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import ray
from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingContext, AutoscalingPolicy
from ray.serve.schema import ApplicationStatus

from safelight.errors import Kind, SafelightError
from safelight.serving.cluster import Deployment, replicas_for
from safelight.serving.desired import Bundle
from safelight.serving.replica import END_WITHIN, Replica
from safelight.settings import RaySettings

MakeReplica = Callable[[Bundle, str, str], Replica]
"""Of a bundle, on the machine with an address, as the replica of a number. Called on whatever machine it is put."""

_PREFIX = "safelight"
_ENGINE = "engine"
_GOING = (ApplicationStatus.DELETING, ApplicationStatus.NOT_STARTED)
_UPSCALE_SECONDS = 5.0
_DOWNSCALE_SECONDS = 120.0


class ServeReplica:
    """What Serve makes of each replica, in a process of its own."""

    async def __init__(self, make: MakeReplica, bundle: Bundle) -> None:  # type: ignore[misc]  # Serve awaits it
        place = serve.get_replica_context().rank
        self._replica = make(bundle, ray.util.get_node_ip_address(), str(place.rank))
        await self._replica.start()

    async def record_autoscaling_stats(self) -> dict[str, float]:
        return {name: float(value) for name, value in asdict(await self._replica.load()).items()}

    def check_health(self) -> None:
        if not self._replica.alive:
            raise RuntimeError("nobody looks after the engine any more")

    async def __del__(self) -> None:
        await self._replica.end()


def number_of_replicas(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Serve's policy, asked in its controller: by what the replicas tell, for no request passes through Serve."""
    told = context.aggregated_metrics or {}
    least = max(told.get("least", {}).values(), default=None)
    if least is None:
        return context.target_num_replicas, {}
    unanswered = sum(told.get("unanswered", {}).values())
    return replicas_for(least, unanswered, context.config.target_ongoing_requests), {}


class ServeCluster:
    """`safelight.serving.cluster.Cluster` on Ray Serve."""

    def __init__(self, settings: RaySettings, make: MakeReplica) -> None:
        """`make` is pickled and goes to the replicas."""
        self._settings = settings
        self._make = make

    def deployed(self) -> Mapping[Deployment, bool]:
        applications = serve.status().applications
        return {
            found: status.status is ApplicationStatus.RUNNING
            for name, status in applications.items()
            if (found := _read(name)) is not None and status.status not in _GOING
        }

    def deploy(self, deployment: Deployment, replicas: int) -> None:
        # Not awaited: others are not to wait until this one is loaded.
        serve.run_many(
            [
                serve.RunTarget(
                    self._application(deployment.bundle, replicas), name=_name(deployment), route_prefix=None
                )
            ],
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )

    def remove(self, deployment: Deployment) -> None:
        serve.delete(_name(deployment), _blocking=False)

    def _application(self, bundle: Bundle, replicas: int) -> serve.Application:
        settings = self._settings
        most = settings.most_replicas or settings.replicas
        deployment = serve.deployment(ServeReplica).options(
            name=_ENGINE,
            autoscaling_config=AutoscalingConfig(
                min_replicas=settings.warm_replicas,
                initial_replicas=replicas,
                max_replicas=most,
                target_ongoing_requests=settings.images_per_replica,
                upscale_delay_s=_UPSCALE_SECONDS,
                downscale_delay_s=_DOWNSCALE_SECONDS,
                # Enough for the most of the last half minute; a mean would follow a flip only slowly.
                aggregation_function="max",
                policy=AutoscalingPolicy(policy_function=number_of_replicas),
            ),
            ray_actor_options={"num_cpus": settings.cpus, "num_gpus": settings.gpus},
            graceful_shutdown_timeout_s=END_WITHIN,
        )
        return deployment.bind(self._make, bundle)


def connect(address: str, *, shared_stores: bool) -> None:
    """Connect to a cluster and start Serve on it where it does not run yet; without an address, start one here.

    Raises `ray_unreachable`, and `ray_needs_shared_stores` for a cluster of several machines where the database, MLflow
    or the token lie in a folder of this one.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers how it is used
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        ray.init(address=address or "local", include_dashboard=None if address else False, log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        raise SafelightError(Kind.UNAVAILABLE, "ray_unreachable", f"No Ray cluster at {address}: {error}") from error
    if not shared_stores and len(ray.nodes()) > 1:
        ray.shutdown()
        raise SafelightError(
            Kind.INVALID,
            "ray_needs_shared_stores",
            "The cluster has several machines, and the database or MLflow lies in the data folder of this one. Give "
            "database.url and registry.tracking_uri addresses that all of them reach.",
        )
    serve.start(proxy_location="Disabled")


def disconnect(address: str) -> None:
    """A cluster of this machine alone ends, with all that is deployed; any other goes on without us."""
    if not address:
        serve.shutdown()
    ray.shutdown()


def _name(deployment: Deployment) -> str:
    return f"{_PREFIX}-{deployment.bundle.generator}-{deployment.bundle.version}-{deployment.settings}"


def _read(name: str) -> Deployment | None:
    prefix, _, rest = name.partition("-")
    parts = rest.rsplit("-", 2)
    if prefix != _PREFIX or len(parts) != 3 or not parts[1].isdigit():
        return None
    return Deployment(Bundle(parts[0], int(parts[1])), parts[2])

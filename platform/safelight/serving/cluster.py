"""Versions on a cluster of machines: one deployment of each that is wanted, and its replicas wherever there is room."""

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, Protocol

from safelight.serving.desired import Bundle
from safelight.serving.wants import Wanted, Wants
from safelight.settings import RaySettings
from safelight.telemetry.meters import LOOP_FAILURES

logger = logging.getLogger(__name__)


class Deployment(NamedTuple):
    """Of one version. `settings` names what its replicas are started with: other settings are another deployment."""

    bundle: Bundle
    settings: str


@dataclass(frozen=True)
class Changes:
    """What brings a cluster nearer to what it should hold."""

    deploy: tuple[Deployment, ...]
    remove: frozenset[Deployment]


class Cluster(Protocol):
    """Where deployments are."""

    def deployed(self) -> Mapping[Deployment, bool]:
        """Those of Safelight's, and whether all their replicas have started."""
        ...

    def deploy(self, deployment: Deployment, replicas: int) -> None:
        """Begin to start so many replicas. More or fewer later is the replicas' own business (`replicas_for`)."""
        ...

    def remove(self, deployment: Deployment) -> None:
        """Begin to end its replicas, each when it has answered what it was given."""
        ...


def changes(wanted: Collection[Deployment], deployed: Mapping[Deployment, bool]) -> Changes:
    """What is wanted under new settings replaces the same under old ones only once it has started."""
    started = {each.bundle for each in wanted if deployed.get(each, False)}
    missing = {each.bundle for each in wanted} - started
    superfluous = {each for each in deployed if each not in wanted and each.bundle not in missing}
    return Changes(tuple(each for each in wanted if each not in deployed), frozenset(superfluous))


def replicas_for(least: float, unanswered: float, images_per_replica: float) -> int:
    """How many replicas bear a load; the bounds of the deployment are applied elsewhere."""
    return max(ceil(least), ceil(unanswered / images_per_replica))


def least_of(bundle: Bundle, wanted: Wanted, settings: RaySettings) -> int:
    """How many replicas a version has without any load: fewer while it only waits to be gone back to."""
    return settings.replicas if bundle in wanted.needed else settings.warm_replicas


class ClusterHost:
    """Reconciles a cluster's deployments with what the ledger and the open releases ask for.

    It may end and start again at any time: what is deployed stays, and is found again by its name.
    """

    def __init__(self, cluster: Cluster, wants: Wants, settings: RaySettings, digest: str) -> None:
        """`digest` is of the settings that replicas are started with."""
        self._cluster = cluster
        self._wants = wants
        self._settings = settings
        self._digest = digest

    def run(self, stop: threading.Event, poll_seconds: float = 0.5) -> None:
        """Reconcile until `stop` is set."""
        while not stop.wait(poll_seconds):
            try:
                self.step()
            except Exception:  # whatever it is: what is deployed serves on, and is looked at again
                LOOP_FAILURES.labels("cluster host").inc()
                logger.exception("the host could not look around; the deployments stay as they are")

    def step(self) -> None:
        """Look once. Raises StoreError."""
        wanted = self._wants.look()
        # A second engine beside the first is ordered of a machine, and here no machine is known by name.
        bundles = [bundle for bundle in (*wanted.needed, *wanted.waiting) if not bundle.spare]
        todo = changes([Deployment(bundle, self._digest) for bundle in bundles], self._cluster.deployed())
        for deployment in todo.remove:
            logger.info("removing version %s of %s", deployment.bundle.version, deployment.bundle.generator)
            self._cluster.remove(deployment)
        for deployment in todo.deploy:
            logger.info("deploying version %s of %s", deployment.bundle.version, deployment.bundle.generator)
            self._cluster.deploy(deployment, least_of(deployment.bundle, wanted, self._settings))

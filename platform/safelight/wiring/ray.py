"""Engines on a Ray cluster: what reconciles it, and what each of its replicas is."""

from functools import partial

from registry.digests import canonical_json, digest_of
from safelight.serving.cluster import ClusterHost
from safelight.serving.desired import Bundle
from safelight.serving.host import EngineHost
from safelight.serving.ray_serve import ServeCluster
from safelight.serving.replica import Replica
from safelight.serving.token import engine_token
from safelight.serving.wants import WantedAlone, WantedByLedger
from safelight.settings import EngineSettings, Settings
from safelight.wiring import clock, database, host_name, version_store

_DIGITS = 10
_ON_RAY = "ray"


def cluster_host(settings: Settings) -> ClusterHost:
    """Replicas are started with these settings, wherever they are."""
    shipped = for_replicas(settings)
    wants = WantedByLedger(database(settings), settings.engine.keep_warm, _ON_RAY)
    return ClusterHost(ServeCluster(settings.ray, partial(replica, shipped)), wants, settings.ray, _digest(shipped))


def for_replicas(settings: Settings) -> Settings:
    """The same on another machine, in another folder: the token and the folder spelt out."""
    engine = settings.engine.model_copy(update={"token": engine_token(settings)})
    return settings.model_copy(update={"data_dir": settings.data_dir.resolve(), "engine": engine})


def shared_stores(settings: Settings) -> bool:
    """Whether another machine finds the same database and the same checkpoints by these settings."""
    addresses = (settings.database_url, settings.tracking_uri)
    return not any(address.startswith("sqlite:") for address in addresses)


def replica(settings: Settings, bundle: Bundle, address: str, number: str) -> Replica:
    """Called on the machine that a replica was put on."""
    alone, store = WantedAlone(bundle), database(settings)
    host = EngineHost(
        database=store,
        version_store=version_store(settings),
        settings=_reachable(settings.engine, address),
        token=engine_token(settings),
        checkpoints=settings.checkpoints_dir,
        # Of all that is known of a replica only its number outlives it: traffic can be cut by this name.
        name=f"{host_name()}/{number}",
        clock=clock(),
        wants=alone,
    )
    return Replica(host, alone, bundle, WantedByLedger(store, settings.engine.keep_warm, _ON_RAY), settings.ray)


def _reachable(engine: EngineSettings, address: str) -> EngineSettings:
    """Gateways are on other machines, unless somebody has said where engines listen."""
    changed = {"host": address} if engine.host == EngineSettings().host else {}
    return engine.model_copy(update=changed)


def _digest(settings: Settings) -> str:
    parts = {name: getattr(settings, name).model_dump(mode="json") for name in ("engine", "ray")}
    return digest_of(canonical_json(parts)).partition(":")[2][:_DIGITS]

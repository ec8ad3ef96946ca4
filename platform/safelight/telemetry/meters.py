"""Every number that a process counts itself; what it reads from the database at each scrape is in api/routes/metrics.

Labels are bounded: generators, and versions up to a limit; never a prompt, a tenant, an id or an address.
"""

from collections import defaultdict
from threading import Lock

from prometheus_client import Counter, Histogram

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
MOST_VERSIONS = 100
OTHER = "other"

GENERATIONS = Counter(
    "safelight_generations", "Recorded here, by how they ended", ["generator", "version", "arm", "outcome"]
)
GENERATION_SECONDS = Histogram(
    "safelight_generation_seconds", "From request to answer, of served images", ["generator"], buckets=_SECONDS
)
QUEUE_SECONDS = Histogram(
    "safelight_queue_seconds", "Waited before an engine began", ["generator"], buckets=(*_SHORT, 10, 30, 60)
)
BATCH_SIZE = Histogram(
    "safelight_batch_size", "Images made together, counted for each image", ["generator"], buckets=(1, 2, 4, 8, 16, 32)
)
STEP_SECONDS = Histogram(
    "safelight_step_seconds", "One denoising step of a batch, counted for each image", ["generator"], buckets=_SHORT
)
ENGINE_SECONDS = Counter(
    "safelight_engine_seconds", "Of the device, each image its part of its batch", ["generator", "version"]
)
FLIP_SECONDS = Histogram(
    "safelight_release_flip_seconds",
    "From the ledger's entry until all gateways route by it",
    ["kind"],
    buckets=_SHORT,
)
TICKS = Counter("safelight_monitor_ticks", "Looks of the monitors at a generator", ["result"])
TICK_SECONDS = Histogram("safelight_monitor_tick_seconds", "One of them", buckets=_SECONDS)
VERDICTS = Counter("safelight_verdicts", "Of monitors, by health", ["generator", "health"])
SCORED = Counter("safelight_scored_images", "Looked at by this worker", ["result"])
DELIVERIES = Counter("safelight_deliveries", "Attempts to tell a channel", ["kind", "result"])
LOOP_FAILURES = Counter("safelight_loop_failures", "Of this process's background work", ["loop"])

_versions: defaultdict[str, set[int]] = defaultdict(set)
_lock = Lock()


def version_label(generator: str, version: int) -> str:
    """The version, for the first hundred of a generator that this process met; then they are counted together."""
    with _lock:
        known = _versions[generator]
        if version not in known and len(known) >= MOST_VERSIONS:
            return OTHER
        known.add(version)
    return str(version)

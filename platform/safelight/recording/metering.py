"""Counting what is recorded."""

from safelight.recording.generation import Arm, Generation, Outcome
from safelight.recording.tally import own_engine_ms
from safelight.telemetry import meters


def count(generation: Generation) -> None:
    """Once for each generation that was recorded, or should have been."""
    name, version = generation.generator, meters.version_label(generation.generator, generation.version)
    meters.GENERATIONS.labels(name, version, generation.arm.value, generation.outcome.value).inc()
    if generation.queue_ms is not None:
        meters.QUEUE_SECONDS.labels(name).observe(generation.queue_ms / 1000)
    awaited = generation.outcome is Outcome.SERVED and generation.arm in (Arm.STABLE, Arm.CANARY)
    if awaited and generation.total_ms is not None:
        meters.GENERATION_SECONDS.labels(name).observe(generation.total_ms / 1000)
    if generation.engine_ms is None:
        return
    meters.ENGINE_SECONDS.labels(name, version).inc(own_engine_ms(generation) / 1000)
    batch, steps = generation.envelope.get("batch_size"), generation.parameters.get("steps")
    if isinstance(batch, int):
        meters.BATCH_SIZE.labels(name).observe(batch)
        if isinstance(steps, int) and steps > 0:
            meters.STEP_SECONDS.labels(name).observe(generation.engine_ms / 1000 / steps)

"""One image on its way: what is known of it so far, and the record and the error it becomes. Pure."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from registry.parameters import GenerationParameters
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.serving.rendering import Finish
from safelight.serving.request import GenerationRequest
from safelight.serving.wire import Facts
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion

_OUTCOMES = {
    Finish.COMPLETE: Outcome.SERVED,
    Finish.FILTERED: Outcome.FILTERED,
    Finish.NOT_FINITE: Outcome.FAILED,
}
_FAILURES = {
    "no_engine_ready": "No engine is ready to serve the version. Try again in a few seconds; an operator sees why in "
    "the list of engines.",
    "deadline_exceeded": "The image was not made in time. Ask for fewer steps or a smaller size, or try again later.",
    "engine_lost": "Every engine that was given this request broke down. An operator should look at the engines' logs.",
    "rendering_failed": "The version failed to render this request. An operator should look at the engine's log.",
    "out_of_memory": "The image does not fit into the engine's memory. Ask for a smaller size.",
    "request_unsupported": "The version's pipeline does not take this request. Ask for it otherwise, or of another "
    "version.",
    "engine_refused": "The engine did not accept the request. An operator should look at the gateway's log.",
    Finish.NOT_FINITE: "The version computed no valid image for this request. Try another seed; if it happens again, "
    "an operator should roll the version back.",
}


@dataclass
class Attempt:
    """An image that is being made. It is set anew when the engine it was given to breaks down."""

    request: GenerationRequest
    id: UUID
    created_at: datetime
    version: KnownVersion
    parameters: GenerationParameters
    arm: Arm = Arm.STABLE
    engine: KnownEngine | None = None
    facts: Facts | None = None
    error_code: str | None = None

    @property
    def outcome(self) -> Outcome:
        if self.error_code is not None or self.facts is None:
            return Outcome.FAILED
        return _OUTCOMES[self.facts.finish]


def describe(attempt: Attempt, outcome: Outcome, total_ms: float) -> Generation:
    """The record of the image, with all that a replay needs."""
    parameters = asdict(attempt.parameters)
    prompt, seed = parameters.pop("prompt"), parameters.pop("seed")
    del parameters["n"]  # one request for n images is n generations
    facts, engine = attempt.facts, attempt.engine
    finish_code = None if facts is None or facts.finish is Finish.COMPLETE else facts.finish.value
    return Generation(
        id=attempt.id,
        created_at=attempt.created_at,
        generator=attempt.version.generator,
        version=attempt.version.number,
        bundle_digest=attempt.version.digest,
        environment_digest=facts.environment_digest if facts else engine.environment_digest if engine else None,
        environment=dict(facts.environment) if facts else None,
        source=Source.ENGINE,
        arm=attempt.arm,
        outcome=outcome,
        error_code=attempt.error_code or finish_code,
        request_id=attempt.request.id,
        api_key_id=attempt.request.api_key_id,
        replica=engine.host if engine else None,
        adapter=attempt.version.held.adapter,
        tenant=attempt.request.tenant,
        end_user=attempt.request.end_user,
        prompt=prompt,
        seed=seed,
        parameters=parameters,
        envelope=_envelope(facts) if facts else {},
        queue_ms=facts.queue_ms if facts else None,
        engine_ms=facts.engine_ms if facts else None,
        total_ms=total_ms,
    )


def failure_of(generation: Generation) -> SafelightError:
    """What the one who asked is told about a generation without an image."""
    code = generation.error_code or "generation_failed"
    if generation.outcome is Outcome.FILTERED:
        message = "The version's safety checker refused the image. Change the prompt."
        return SafelightError(Kind.INVALID, code, message, generation_id=str(generation.id))
    details = {"retry_after": 5} if code == "no_engine_ready" else {}
    kind = Kind.INVALID if code == "request_unsupported" else Kind.UNAVAILABLE
    return SafelightError(kind, code, _FAILURES[code], generation_id=str(generation.id), **details)


def _envelope(facts: Facts) -> dict[str, object]:
    of_environment = {key: facts.environment[key] for key in ("device", "dtype", "threads")}
    return {"batch_size": facts.batch_size, "position": facts.position, "scheduler": facts.scheduler, **of_environment}

"""What a request asks for, as a version would make it."""

from registry.parameters import GenerationParameters, ParameterError, Requested
from registry.versions import ServedElsewhere
from safelight.errors import Kind, SafelightError
from safelight.store.versions import KnownVersion


def resolve(version: KnownVersion, requested: Requested, fallback_seed: int = 0) -> GenerationParameters:
    """Raises SafelightError for what the version does not allow, and where somebody else's service serves it."""
    try:
        return version.held.resolve(requested, fallback_seed=fallback_seed)
    except ServedElsewhere as error:
        raise SafelightError(Kind.CONFLICT, error.code, error.message) from error
    except ParameterError as error:
        details = {"field": error.field, "allowed": error.allowed}
        raise SafelightError(Kind.INVALID, error.code, error.message, **details) from error

"""What is recorded of an image besides what every gateway test looks at."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry.manifest import parse_manifest
from registry.parameters import Requested
from safelight.errors import Kind
from safelight.ids import new_id
from safelight.recording.generation import Outcome
from safelight.serving.attempt import Attempt, describe, failure_of
from safelight.serving.request import GenerationRequest
from safelight.store.versions import KnownVersion

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def adapter(name: str) -> dict[str, Any]:
    return {"name": name, "file": f"adapters/{name}.safetensors"}


def attempt_of(adapters: list[Any]) -> Attempt:
    manifest = parse_manifest(
        {
            "checkpoint": "sha256:" + "1" * 64,
            "adapters": adapters,
            "dtype": "float32",
            "defaults": {"steps": 8, "guidance": 3, "width": 64, "height": 64},
            "limits": {"min_side": 32, "max_side": 64, "max_steps": 8, "max_guidance": 20, "max_prompt_length": 50},
            "golden": [{"prompt": "a red apple", "seed": 1}],
        }
    )
    version = KnownVersion("sprites", 1, manifest.digest, manifest, "", MOMENT, "tester")
    asked = Requested(prompt="a cat")
    request = GenerationRequest(generator="sprites", requested=asked)
    return Attempt(request, new_id(), MOMENT, version, manifest.resolve(asked, fallback_seed=1))


@pytest.mark.parametrize(
    ("adapters", "recorded"),
    [([], None), ([adapter("sketch")], "sketch"), ([adapter("sketch"), adapter("faces")], "sketch+faces")],
)
def test_the_adapters_of_the_version_are_a_part_of_the_traffic(adapters: list[Any], recorded: str | None) -> None:
    assert describe(attempt_of(adapters), Outcome.FAILED, 1.0).adapter == recorded


def test_a_remake_that_the_pipeline_refuses_is_told_so() -> None:
    attempt = attempt_of([])
    attempt.error_code = "request_unsupported"  # as a gateway records an engine's refusal of a remake
    failure = failure_of(describe(attempt, attempt.outcome, 1.0))
    assert (failure.kind, failure.code) == (Kind.INVALID, "request_unsupported")

"""A version that draws nothing gets no traffic."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from registry.manifest import Manifest, parse_manifest
from registry.parameters import GenerationParameters
from safelight.serving.golden import GoldenResult, check
from safelight.serving.rendering import Finish, NoisePipeline, Rendered


@pytest.fixture
def manifest() -> Manifest:
    return parse_manifest(
        {
            "checkpoint": "sha256:" + "0" * 64,
            "dtype": "float32",
            "defaults": {"steps": 2, "guidance": 1, "width": 32, "height": 32, "n": 2},
            "limits": {
                "min_side": 32, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 500,
                "max_n": 4,
            },
            "golden": [{"prompt": "a red apple", "seed": 1}, {"prompt": "a blue car", "seed": 2}],
        }
    )  # fmt: skip


class _Answers:
    """A pipeline that gives prepared answers."""

    environment: Mapping[str, str | int] = {}
    scheduler = "None"

    def __init__(self, *answers: Rendered) -> None:
        self._answers = list(answers)
        self.asked: list[GenerationParameters] = []

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        self.asked += batch
        return [self._answers.pop(0) for _ in batch]


GREY = Rendered(Finish.COMPLETE, np.full((32, 32, 3), 128, np.uint8))
PICTURE = Rendered(Finish.COMPLETE, np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8))


def test_every_golden_prompt_is_drawn_once_at_the_defaults(manifest: Manifest) -> None:
    pipeline = _Answers(PICTURE, PICTURE)
    assert check(pipeline, manifest) == (GoldenResult.PASSED, "")
    assert [(each.prompt, each.seed, each.steps, each.n) for each in pipeline.asked] == [
        ("a red apple", 1, 2, 1),
        ("a blue car", 2, 2, 1),
    ]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (GREY, GoldenResult.BLANK),
        (Rendered(Finish.NOT_FINITE), GoldenResult.NOT_FINITE),
        (Rendered(Finish.FILTERED), GoldenResult.FILTERED),
    ],
)
def test_the_first_prompt_that_gives_no_picture_is_named(
    manifest: Manifest, answer: Rendered, result: GoldenResult
) -> None:
    assert check(_Answers(PICTURE, answer), manifest) == (result, "a blue car")


def test_noise_is_a_picture(manifest: Manifest) -> None:
    assert check(NoisePipeline(), manifest) == (GoldenResult.PASSED, "")

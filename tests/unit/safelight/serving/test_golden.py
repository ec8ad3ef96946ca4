"""A version that draws nothing gets no traffic."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


NOWHERE = Path("nowhere")
GREY = Rendered(Finish.COMPLETE, np.full((32, 32, 3), 128, np.uint8))
PICTURE = Rendered(Finish.COMPLETE, np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8))


def test_every_golden_prompt_is_drawn_once_at_the_defaults(manifest: Manifest) -> None:
    pipeline = _Answers(PICTURE, PICTURE)
    assert check(pipeline, manifest, NOWHERE) == (GoldenResult.PASSED, "")
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
    assert check(_Answers(PICTURE, answer), manifest, NOWHERE) == (result, "a blue car")


def test_noise_is_a_picture(manifest: Manifest) -> None:
    assert check(NoisePipeline(), manifest, NOWHERE) == (GoldenResult.PASSED, "")


@pytest.fixture
def kept(manifest: Manifest, tmp_path: Path) -> Callable[..., Manifest]:
    """A manifest whose second golden image was kept, off from what is drawn by so many levels."""

    def keep(off: int, tolerance: float | None = None, size: int = 32) -> Manifest:
        assert PICTURE.pixels is not None
        drawn = PICTURE.pixels.astype(int)[:size, :size]
        Image.fromarray(np.where(drawn > 127, drawn - off, drawn + off).astype(np.uint8)).save(tmp_path / "blue.png")
        golden = manifest.golden[1].model_copy(update={"image": "blue.png", "tolerance": tolerance})
        return manifest.model_copy(update={"golden": (manifest.golden[0], golden)})

    return keep


@pytest.mark.parametrize(
    ("off", "tolerance", "result"),
    [
        (0, None, GoldenResult.PASSED),
        (4, None, GoldenResult.PASSED),
        (5, None, GoldenResult.DIFFERENT),
        (5, 6.0, GoldenResult.PASSED),
        (1, 0.0, GoldenResult.DIFFERENT),
    ],
)
def test_a_kept_image_is_what_it_must_look_like(
    off: int, tolerance: float | None, result: GoldenResult, kept: Callable[..., Manifest], tmp_path: Path
) -> None:
    found, prompt = check(_Answers(PICTURE, PICTURE), kept(off, tolerance), tmp_path)
    assert (found, prompt) == (result, "" if result is GoldenResult.PASSED else "a blue car")


def test_one_of_another_size_is_another_image(kept: Callable[..., Manifest], tmp_path: Path) -> None:
    assert check(_Answers(PICTURE, PICTURE), kept(0, size=16), tmp_path)[0] is GoldenResult.DIFFERENT

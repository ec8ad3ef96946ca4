"""The weights as they ship, through the code that serves and scores."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from safelight.scoring.embedder import OpenClipEmbedder
from safelight.studio.scenes import Scene, Size, Thing, caption
from safelight.studio.training.pixel_judge import read
from safelight.studio.training.rendering import Pixels
from safelight.studio.training.sampling import Sampler
from safelight.studio.versions import EMBEDDER, WEIGHTS, build_version

SCENES = [
    Scene((Thing("heart", "red"),), "grey"),
    Scene((Thing("star", "yellow"),), "black"),
    Scene((Thing("duck", "green"),), "white"),
    Scene((Thing("bell", "purple"),), "green"),
    Scene((Thing("house", "blue"),), "yellow"),
    Scene((Thing("mushroom", "orange"),), "purple"),
    Scene((Thing("umbrella", "pink"),), "blue"),
    Scene((Thing("car", "red"),), "pink"),
]
CAPTIONS = [caption(scene) for scene in SCENES]
SHIPPED_LIMIT = 19_500_000


@pytest.fixture(scope="module")
def embedder() -> OpenClipEmbedder:
    return OpenClipEmbedder(str(EMBEDDER), device="cpu")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Pixels]]:
    folder = tmp_path_factory.mktemp("versions")
    return {number: Sampler(build_version(number, folder / str(number))).draw(CAPTIONS) for number in (1, 2, 3, 5)}


def alignment(embedder: OpenClipEmbedder, captions: list[str], images: list[Pixels]) -> float:
    return float((embedder.embed_prompts(captions)[0] * embedder.embed_images(images)).sum(axis=1).mean())


def right(images: list[Pixels]) -> int:
    """How many show the background and the colour that were asked for."""
    readings = [read(image) for image in images]
    return sum(
        (reading.background, reading.colour) == (scene.background, scene.things[0].colour)
        for reading, scene in zip(readings, SCENES, strict=True)
    )


@pytest.mark.parametrize("number", [1, 2, 5])
def test_sound_versions_draw_what_was_asked_for(drawn: dict[int, list[Pixels]], number: int) -> None:
    assert all(image.shape == (64, 64, 3) and image.dtype == np.uint8 for image in drawn[number])
    assert right(drawn[number]) >= 7


def test_swapped_colours_show(drawn: dict[int, list[Pixels]]) -> None:
    assert right(drawn[3]) <= 2


def test_embedder_prefers_sound_images(embedder: OpenClipEmbedder, drawn: dict[int, list[Pixels]]) -> None:
    better, swapped = (alignment(embedder, CAPTIONS, drawn[number]) for number in (2, 3))
    assert better > swapped + 0.2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda scene: replace(scene, background="black" if scene.background != "black" else "pink"),
        lambda scene: replace(scene, size=Size.SMALL),
        lambda scene: replace(scene, things=(replace(scene.things[0], object="key"),)),
        lambda scene: replace(scene, things=(replace(scene.things[0], colour="white"),)),
        lambda scene: replace(scene, things=(replace(scene.things[0], count=3),)),
    ],
    ids=["background", "size", "object", "colour", "count"],
)
def test_embedder_hears_every_word(
    embedder: OpenClipEmbedder, drawn: dict[int, list[Pixels]], wrong: Callable[[Scene], Scene]
) -> None:
    false = [caption(wrong(scene)) for scene in SCENES]
    assert alignment(embedder, CAPTIONS, drawn[2]) > alignment(embedder, false, drawn[2])


def test_an_image_is_the_same_alone_and_in_company(tmp_path: Path) -> None:
    sampler = Sampler(build_version(2, tmp_path / "two"))
    alone, together = sampler.draw(CAPTIONS[:1])[0], sampler.draw(CAPTIONS[:4])[0]
    assert np.abs(alone.astype(int) - together.astype(int)).mean() < 1


def test_everything_shipped_fits_its_budget() -> None:
    studio = WEIGHTS.parent
    shipped = [path for path in studio.rglob("*") if path.suffix in {".safetensors", ".gz", ".npz", ".json"}]
    assert sum(path.stat().st_size for path in shipped) <= SHIPPED_LIMIT

"""Measures what is shipped: the embedder on real renders, and every version on the same prompts and seeds.

Run as ``python -m safelight.studio.training.evaluate``. It prints the tables of the model cards.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from safelight.scoring.embedder import OpenClipEmbedder
from safelight.studio.scenes import (
    HELD_OUT,
    OBJECTS,
    Scene,
    SceneKind,
    Thing,
    all_pairs,
    caption,
    sample_scene,
    training_pairs,
)
from safelight.studio.training.classifier import Classifier
from safelight.studio.training.contrasts import falsify
from safelight.studio.training.pixel_judge import read
from safelight.studio.training.rendering import Pixels, Renderer
from safelight.studio.training.sampling import Sampler
from safelight.studio.versions import EMBEDDER, build_version, numbers


class Panel:
    """All the judges of a set of images whose scenes are known."""

    def __init__(self, embedder: OpenClipEmbedder, classifier: Classifier) -> None:
        self._embedder = embedder
        self._classifier = classifier

    def judge(self, scenes: list[Scene], images: list[Pixels]) -> dict[str, float]:
        """Shares of images that are right, and their mean alignment with the caption."""
        single = [index for index, scene in enumerate(scenes) if scene.kind in (SceneKind.SINGLE, SceneKind.SIZED)]
        shown = [images[index] for index in single]
        truth = [scenes[index].things[0] for index in single]
        named, guessed = self._classifier.name(shown), self._zero_shot([scenes[index] for index in single], shown)
        held_out = [(thing.object, thing.colour) in HELD_OUT for thing in truth]
        right = [name == thing.object for name, thing in zip(named, truth, strict=True)]
        readings = [read(image) for image in images]
        alone = [(scene, reading) for scene, reading in zip(scenes, readings, strict=True) if len(scene.things) == 1]
        return {
            "object, classifier": _share(right),
            "of unseen pairs": _share(ok for ok, unseen in zip(right, held_out, strict=True) if unseen),
            "object, zero-shot": _share(name == thing.object for name, thing in zip(guessed, truth, strict=True)),
            "background": _share(r.background == s.background for s, r in zip(scenes, readings, strict=True)),
            "colour": _share(r.colour == s.things[0].colour for s, r in alone if s.things[0].colour),
            "count": _share(r.count == s.things[0].count for s, r in alone if s.things[0].count > 1),
            "pair, right colours": self._pairs_right(scenes, images),
            "alignment": float(self.alignments([caption(scene) for scene in scenes], images).mean()),
        }

    def alignments(self, captions: list[str], images: list[Pixels]) -> NDArray[np.float32]:
        """Cosines of images with captions, one for one; a multiple of captions asks so many of each image in turn."""
        words, _ = self._embedder.embed_prompts(captions)
        seen = np.concatenate([self._embedder.embed_images(images[i : i + 64]) for i in range(0, len(images), 64)])
        aligned: NDArray[np.float32] = (words * seen.repeat(len(captions) // len(images), axis=0)).sum(axis=1)
        return aligned

    def _zero_shot(self, scenes: list[Scene], images: list[Pixels]) -> list[str]:
        """The object whose name, in an otherwise true caption, fits the image best."""
        captions = [
            caption(replace(scene, things=(replace(scene.things[0], object=name),)))
            for scene in scenes
            for name in OBJECTS
        ]
        fits = self.alignments(captions, images).reshape(len(images), len(OBJECTS))
        return [OBJECTS[index] for index in fits.argmax(axis=1)]

    def _pairs_right(self, scenes: list[Scene], images: list[Pixels]) -> float:
        """How often the caption of a two-coloured pair fits better than the one with the colours exchanged."""
        chosen = [
            (scene, image)
            for scene, image in zip(scenes, images, strict=True)
            if len({thing.colour for thing in scene.things}) == 2
        ]
        right = [caption(scene) for scene, _ in chosen]
        wrong = [caption(exchange_colours(scene)) for scene, _ in chosen]
        shown = [image for _, image in chosen]
        return _share((self.alignments(right, shown) > self.alignments(wrong, shown)).tolist())


def exchange_colours(pair: Scene) -> Scene:
    left, right = pair.things
    return replace(pair, things=(replace(left, colour=right.colour), replace(right, colour=left.colour)))


def embedder_scores(panel: Panel, renderer: Renderer, embedder: OpenClipEmbedder) -> dict[str, float]:
    """On unseen renders: retrieval among 500, true against almost true captions, naming from bare captions."""
    rng = Random(99)
    scenes = [sample_scene(rng, all_pairs()) for _ in range(500)]
    images = [renderer.render(scene, rng) for scene in scenes]
    captions = [caption(scene) for scene in scenes]
    words, _ = embedder.embed_prompts(captions)
    found = (embedder.embed_images(images) @ words.T).argmax(axis=1)
    scores = {"R@1 of 500": _share(captions[place] == text for place, text in zip(found, captions, strict=True))}
    aligned = panel.alignments(captions, images)
    almost = panel.alignments([caption(falsify(rng, scene)) for scene in scenes], images)
    scores["right above almost right"] = _share((aligned > almost).tolist())
    bare, _ = embedder.embed_prompts([caption(Scene((Thing(name),))) for name in OBJECTS])
    natural = [Scene((Thing(name),), background) for name in OBJECTS for background in ("grey", "blue", "pink")]
    seen = embedder.embed_images([renderer.render(scene, rng) for scene in natural])
    guesses = (seen @ bare.T).argmax(axis=1)
    scores["object from a bare caption"] = _share(
        OBJECTS[guess] == scene.things[0].object for guess, scene in zip(guesses, natural, strict=True)
    )
    return scores


def evaluation_scenes(single: int, other: int) -> list[Scene]:
    """``single`` scenes of one thing, a quarter of them of pairs never trained on, and ``other`` of each other kind."""
    rng = Random(2024)
    draws: list[tuple[list[tuple[str, str | None]], SceneKind, int]] = [
        (training_pairs(), SceneKind.SINGLE, single - single // 4),
        (sorted(HELD_OUT), SceneKind.SINGLE, single // 4),
        *((training_pairs(), kind, other) for kind in SceneKind if kind is not SceneKind.SINGLE),
    ]
    return [sample_scene(rng, pairs, kind) for pairs, kind, count in draws for _ in range(count)]


def _share(hits: Iterable[bool]) -> float:
    return float(np.mean(list(hits)))


def print_table(rows: dict[str, dict[str, float]]) -> None:
    columns = list(next(iter(rows.values())))
    print("| |" + "|".join(f" {column} " for column in columns) + "|")
    print("|---" * (len(columns) + 1) + "|")
    for name, row in rows.items():
        print(f"| {name} |" + "|".join(f" {row[column]:.3f} " for column in columns) + "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Evaluate the shipped weights.")
    parser.add_argument("--workspace", type=Path, default=Path(".studio"), help="folder for sprites and the classifier")
    parser.add_argument("--minutes", type=float, default=4, help="budget of the classifier's training")
    parser.add_argument("--single", type=int, default=160)
    parser.add_argument("--other", type=int, default=60)
    parser.add_argument("--versions", type=int, nargs="*", default=numbers())
    options = parser.parse_args()
    torch.set_num_threads(1)

    renderer = Renderer(options.workspace)
    embedder = OpenClipEmbedder(str(EMBEDDER), device="cpu")
    panel = Panel(embedder, Classifier(renderer, options.workspace, options.minutes))
    print_table({"embedder": embedder_scores(panel, renderer, embedder)})

    scenes = evaluation_scenes(options.single, options.other)
    rng = Random(7)
    rows = {"real renders": panel.judge(scenes, [renderer.render(scene, rng) for scene in scenes])}
    with tempfile.TemporaryDirectory() as folder:
        for number in options.versions:
            version = build_version(number, Path(folder, str(number)))
            rows[f"version {number}"] = panel.judge(scenes, Sampler(version).draw([caption(s) for s in scenes], 1000))
    print_table(rows)


if __name__ == "__main__":
    main()

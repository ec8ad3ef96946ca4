"""A small synthetic world of prompts and images, in which every regression can be made at will."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from monitors.fitting import fit_lens
from monitors.lens import Lens
from monitors.sample import ALIGNMENT, Direction, Sample, Scalar, Schema

Rows = NDArray[np.float32]
DIMENSIONS = 48
TOPICS = 40
SCHEMA = Schema(
    parameters=("log_steps", "guidance"),
    scalars=(Scalar(ALIGNMENT, Direction.LOW), Scalar("sharpness", Direction.NEITHER)),
)


def _unit(rows: NDArray[np.floating]) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


class World:
    """Prompts of Zipf-distributed topics, and images that follow them not quite linearly, with a noise for each topic.

    `spread` scales that noise, `style` moves all images in a direction that no prompt asks for, `misfit` adds to each
    prompt a departure of its own that all of its images share.
    """

    def __init__(self, *, spread: float = 1.0, style: float = 0.0, misfit: float = 0.0) -> None:
        self.spread, self.style, self.misfit = spread, style, misfit
        rng = np.random.default_rng(0)

        def directions(count: int) -> Rows:
            return _unit(rng.standard_normal((count, DIMENSIONS)).astype(np.float32))

        def rotation() -> Rows:
            return np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)

        spectrum = np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.5
        spectrum /= np.linalg.norm(spectrum)
        self.topic = directions(TOPICS)
        self.usual_prompt, self.usual_image, self.grey, self.unasked = directions(4)
        self.follow = 0.5 * np.eye(DIMENSIONS, dtype=np.float32) + 0.5 * rotation()
        self.prompt_noise = spectrum[:, None] * rotation()
        self.image_noise = spectrum[:, None] * rotation()
        self.bend = 2.0 * rng.standard_normal((DIMENSIONS, 16)).astype(np.float32)
        self.bent = directions(16) / 4.0
        self.loudness = rng.uniform(0.7, 1.3, TOPICS).astype(np.float32)
        shares = 1.0 / (np.arange(TOPICS) + 5.0)
        self.usual_mix = shares / shares.sum()
        self.other_mix = rng.dirichlet(np.ones(TOPICS))

    def but(self, *, spread: float = 1.0, style: float = 0.0, misfit: float = 0.0) -> World:
        """The same world with another generator in it."""
        return World(spread=spread, style=style, misfit=misfit)

    def sample(self, n: int, seed: int, *, other_mix: bool = False, distinct: int | None = None) -> Sample:
        """n generations; of `distinct` prompts only, if that is given."""
        rng = np.random.default_rng(seed)
        wanted = n if distinct is None else distinct
        rows = np.arange(n) if distinct is None else rng.integers(0, wanted, n)
        topic = rng.choice(TOPICS, wanted, p=self.other_mix if other_mix else self.usual_mix)
        noise = rng.standard_normal((wanted, DIMENSIONS), dtype=np.float32) @ self.prompt_noise
        prompts = _unit(0.9 * self.usual_prompt + 0.6 * self.topic[topic] + 0.45 * noise)
        own = self.misfit * rng.standard_normal((wanted, DIMENSIONS), dtype=np.float32) @ self.image_noise
        keys = rng.integers(0, 2**63, wanted, dtype=np.uint64)
        prompts, topic, own, keys = prompts[rows], topic[rows], own[rows], keys[rows]
        steps = rng.choice([3.0, 3.4], n).astype(np.float32)
        guidance = rng.uniform(3.0, 7.0, n).astype(np.float32)
        asked = prompts - 0.72 * self.usual_prompt
        meant = 0.75 * self.usual_image + 0.55 * asked @ self.follow + 0.6 * np.tanh(asked @ self.bend) @ self.bent
        meant += 0.05 * (guidance - 5.0)[:, None] * self.topic[0]
        noise = rng.standard_normal((n, DIMENSIONS), dtype=np.float32) @ self.image_noise
        images = _unit(meant + own + 0.36 * self.spread * self.loudness[topic][:, None] * noise)
        unasked = self.unasked - (prompts @ self.unasked)[:, None] * prompts
        images = _unit(images + self.style * unasked)
        return _scored(prompts, images, np.stack([steps, guidance], axis=1), keys, rng)

    def broken(self, sample: Sample, share: float, seed: int) -> Sample:
        """Grey noise for a share of the prompts."""
        rng = np.random.default_rng(seed)
        hit = rng.random(len(sample)) < share
        images = sample.images.copy()
        noise = rng.standard_normal((int(hit.sum()), DIMENSIONS), dtype=np.float32)
        images[hit] = _unit(0.35 * self.usual_image + 0.9 * self.grey + 0.02 * noise)
        return _scored(sample.prompts, images, sample.parameters, sample.prompt_keys, rng)

    def shuffled(self, sample: Sample, share: float, seed: int) -> Sample:
        """The right images, given to the wrong prompts: no marginal distribution changes."""
        rng = np.random.default_rng(seed)
        hit = np.flatnonzero(rng.random(len(sample)) < share)
        images = sample.images.copy()
        images[hit] = images[np.roll(hit, 1)]
        return _scored(sample.prompts, images, sample.parameters, sample.prompt_keys, rng)

    def deafened(self, sample: Sample, amount: float, seed: int) -> Sample:
        """Every image a little less what its prompt asked for; more, where the amount is negative."""
        away = sample.images - amount * (sample.prompts - self.usual_prompt)
        rng = np.random.default_rng(seed)
        return _scored(sample.prompts, _unit(away), sample.parameters, sample.prompt_keys, rng)


def _scored(
    prompts: Rows, images: Rows, parameters: Rows, keys: NDArray[np.uint64], rng: np.random.Generator
) -> Sample:
    alignment = (prompts * images).sum(axis=1)
    sharpness = 1.0 + images[:, 0] + 0.1 * rng.standard_normal(len(images))
    return Sample(SCHEMA, prompts, images, parameters, np.stack([alignment, sharpness], axis=1), keys)


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def baseline(world: World) -> Sample:
    return world.sample(6000, seed=11)


@pytest.fixture(scope="session")
def lens(baseline: Sample) -> Lens:
    return fit_lens(baseline, seed=0)

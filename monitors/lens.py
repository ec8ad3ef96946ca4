"""A lens: frozen when a version is accepted, it says how each later generation differs from what was usual then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitors import codec
from monitors.calibration import Calibration, Scaling
from monitors.expectation import Expectation, Look, Requests
from monitors.novelty import NOVELTIES, Components, Novelty
from monitors.sample import Direction, Sample, Scalar, Schema, sides

_FORMAT = 3
LOW, HIGH = "low", "high"
WORST_LEVELS = (0.01, 0.003)  # of the tails whose generations are told apart by prompt


@dataclass(frozen=True, eq=False)
class Features:
    """What a lens sees in n generations. Those that are `unseen` are not judged: the lens has nothing to expect."""

    lens: Lens
    values: NDArray[np.float32]  # [n, features]: components and scalar ranks, less what is usual for the cluster
    tails: NDArray[np.bool_]  # [n, tails]
    directed: NDArray[np.float32]  # [n, scalars]: towards the worse
    leverage: NDArray[np.float32]  # [n, directions]: how little the baseline says of such requests (see `Look`)
    cluster: NDArray[np.intp]
    unseen: NDArray[np.bool_]
    prompt_keys: NDArray[np.uint64]
    surprise: NDArray[np.float32]  # [n]: robust standard deviations from the usual, of the most unusual scalar

    def __len__(self) -> int:
        return len(self.cluster)

    def take(self, rows: NDArray[np.intp]) -> Features:
        per_row = (each.name for each in fields(self) if each.name != "lens")
        return Features(lens=self.lens, **{name: getattr(self, name)[rows] for name in per_row})


@dataclass(frozen=True, eq=False)
class Half:
    """What one half of the baseline's prompts taught, for judging the other half, at the baseline and ever after."""

    expectation: Expectation
    novelty: Novelty
    scaling: Scaling

    def scalars(self, look: Look, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sample's scalars beyond what was expected, then those of `NOVELTIES`."""
        return np.concatenate([look.scalars, self.novelty.distances(look.residuals, images)], axis=1)


@dataclass(frozen=True, eq=False)
class Lens:
    """Cross-fitted (Chernozhukov et al. 2018): each generation is judged by what other prompts taught. So all of the
    baseline may teach and all of it calibrates, and what was usual then is usual for a prompt that is asked again."""

    schema: Schema
    baseline_size: int
    requests: Requests
    halves: tuple[Half, Half]
    components: Components
    calibration: Calibration

    @cached_property
    def scalars(self) -> tuple[Scalar, ...]:
        """The sample's scalars, then those that the lens adds: different is not worse."""
        return self.schema.scalars + tuple(Scalar(name, Direction.NEITHER) for name in NOVELTIES)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        components = self.components.axes.shape[1]
        return tuple(f"component_{i}" for i in range(components)) + tuple(s.name for s in self.scalars)

    @cached_property
    def tail_names(self) -> tuple[str, ...]:
        """Such as `alignment.low.0.01`: as low as one in a hundred was at the baseline."""
        return tuple(
            f"{scalar.name}.{side}.{level:g}"
            for level in self.calibration.tail_levels
            for side in (LOW, HIGH)
            for scalar in self.scalars
        )

    @cached_property
    def worse_tails(self) -> NDArray[np.bool_]:
        """Which tails lie on the worse side of their scalar."""
        a_level = [scalar.worse is side for side in (Direction.LOW, Direction.HIGH) for scalar in self.scalars]
        return np.tile(np.array(a_level), len(self.calibration.tail_levels))

    @cached_property
    def worst(self) -> tuple[NDArray[np.intp], ...]:
        """At each of `WORST_LEVELS` the worse tails; none, where the baseline was too small to have that level."""
        level = np.repeat(self.calibration.tail_levels, 2 * len(self.scalars))
        return tuple(np.flatnonzero(self.worse_tails & (level == worst)) for worst in WORST_LEVELS)

    @property
    def clusters(self) -> int:
        return len(self.requests.centroids)

    def features(self, sample: Sample) -> Features:
        """Raises ValueError for a sample of another schema or other embedding dimensions."""
        self._check(sample)
        requests = self.requests.read(sample)
        cluster, unseen = self.requests.place(sample, requests)
        design = self.requests.design(requests)
        components = np.empty((len(sample), self.components.axes.shape[1]), np.float32)
        normalised = np.empty((len(sample), len(self.scalars)), np.float32)
        leverage = np.empty((len(sample), len(self.calibration.leverage_mean)), np.float32)
        side = sides(sample.prompt_keys)
        for number, half in enumerate(self.halves):
            rows = np.flatnonzero(side == number)
            images = sample.images[rows]
            look = half.expectation.look(design[rows], images, sample.scalars[rows])
            components[rows] = self.components.project(look.residuals)
            normalised[rows] = half.scaling.normalise(half.scalars(look, images), cluster[rows])
            leverage[rows] = look.leverage
        ranks = self.calibration.ranks(normalised)
        orientation = self.calibration.orientation
        return Features(
            lens=self,
            values=np.concatenate([components, ranks], axis=1) - self.calibration.cluster_means[cluster],
            tails=self.calibration.tails(ranks),
            directed=self.calibration.directed(normalised, cluster),
            leverage=leverage - self.calibration.leverage_mean,
            cluster=cluster,
            unseen=unseen,
            prompt_keys=sample.prompt_keys,
            surprise=np.where(orientation == 0, np.abs(normalised), normalised * orientation).max(axis=1),
        )

    def beyond_expected(self, sample: Sample) -> NDArray[np.float32]:
        """The sample's scalars [n, k] less what each request led to expect, in their units. Raises as `features`."""
        self._check(sample)
        design = self.requests.design(self.requests.read(sample))
        beyond = np.empty_like(sample.scalars)
        side = sides(sample.prompt_keys)
        for number, half in enumerate(self.halves):
            rows = np.flatnonzero(side == number)
            beyond[rows] = half.expectation.look(design[rows], sample.images[rows], sample.scalars[rows]).scalars
        return beyond

    def _check(self, sample: Sample) -> None:
        if sample.schema != self.schema:
            raise ValueError("the sample's columns are not those the lens was fitted on")
        requests, images = self.requests.frequencies.shape[0], self.components.axes.shape[0]
        prompts = requests - len(self.schema.parameters)
        if sample.prompts.shape[1] != prompts or sample.images.shape[1] != images:
            raise ValueError(
                f"the lens was fitted on prompt and image embeddings of {prompts} and {images} dimensions, "
                f"not {sample.prompts.shape[1]} and {sample.images.shape[1]}: another embedder needs its own baseline"
            )

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        return codec.pack(
            "lens",
            _FORMAT,
            {
                "baseline_size": self.baseline_size,
                "parameters": list(self.schema.parameters),
                "scalars": [[scalar.name, scalar.worse.value] for scalar in self.schema.scalars],
            },
            codec.stage_to_arrays("requests", self.requests)
            | codec.stage_to_arrays("components", self.components)
            | codec.stage_to_arrays("calibration", self.calibration)
            | {
                name: array
                for number, half in enumerate(self.halves)
                for stage in ("expectation", "novelty", "scaling")
                for name, array in codec.stage_to_arrays(f"{stage}_{number}", getattr(half, stage)).items()
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Lens:
        """Raises UnreadableArtifact (a ValueError) for bytes that `to_bytes` of this format did not write."""
        header, arrays = codec.unpack("lens", _FORMAT, data)
        return cls(
            Schema(
                tuple(header["parameters"]),
                tuple(Scalar(name, Direction(worse)) for name, worse in header["scalars"]),
            ),
            header["baseline_size"],
            codec.stage_from_arrays(Requests, "requests", arrays),
            (_half(0, arrays), _half(1, arrays)),
            codec.stage_from_arrays(Components, "components", arrays),
            codec.stage_from_arrays(Calibration, "calibration", arrays),
        )


def _half(number: int, arrays: codec.Arrays) -> Half:
    return Half(
        codec.stage_from_arrays(Expectation, f"expectation_{number}", arrays),
        codec.stage_from_arrays(Novelty, f"novelty_{number}", arrays),
        codec.stage_from_arrays(Scaling, f"scaling_{number}", arrays),
    )

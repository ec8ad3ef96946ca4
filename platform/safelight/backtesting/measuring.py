"""Rows of a table, measured as the scorer measures what is made here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from safelight.backtesting.recording import Details, Measured
from safelight.errors import Kind, SafelightError
from safelight.importing.reading import Loaded, Rejects
from safelight.importing.rows import ImportedRow
from safelight.recording.generation import Outcome
from safelight.recording.pixels import thumbnail
from safelight.scoring.embedder import Embedder
from safelight.scoring.measuring import Measurement, decode, measure
from safelight.watching.samples import JUDGED_ARMS, scalar_columns

THUMBNAIL_PIXELS = 128
_SAME = 0.98  # cosine of two embeddings of one image by one embedder, whatever its arithmetic


@dataclass(frozen=True, eq=False)
class GivenEmbeddings:
    """The embeddings a table brings along, held against those of the embedder behind, if there is one."""

    digest: str
    images: NDArray[np.float32]
    prompts: NDArray[np.float32] | Embedder
    """The table's, or who makes them."""
    behind: Embedder | None

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        if self.behind is not None:
            self._check(self.behind, images)
        return self.images

    def embed_prompts(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        if isinstance(self.prompts, np.ndarray):
            return self.prompts, [False] * len(prompts)
        return self.prompts.embed_prompts(prompts)

    def prompt_features(self, prompts: Sequence[str]) -> NDArray[np.float32] | None:
        return None if self.behind is None else self.behind.prompt_features(prompts)

    def _check(self, behind: Embedder, images: Sequence[NDArray[np.uint8]]) -> None:
        """Raises SafelightError `embeddings_foreign` where the first image's is not what the embedder makes of it."""
        own = behind.embed_images(images[:1])[0]
        if own.shape != self.images[0].shape or float(own @ self.images[0]) < _SAME:
            raise SafelightError(
                Kind.CONFLICT,
                "embeddings_foreign",
                "The table's embeddings are not those that this embedder makes of the same images. Set the embedder "
                "that made them, or map prompt_embedding as well, or leave image_embedding out.",
            )


class Measurer:
    """Measures the served rows of a batch; the others are counted."""

    def __init__(self, embedder: Embedder | None) -> None:
        """Without an embedder every row has to bring both its embeddings."""
        self._embedder = embedder
        self.not_served = 0

    def measure(self, batch: Sequence[Loaded], rejects: Rejects) -> list[Measured]:
        served = [each for each in batch if _is_judged(each.row)]
        self.not_served += len(batch) - len(served)
        pictures = [(each, pixels) for each in served if (pixels := _pixels(each, rejects)) is not None]
        if not pictures:
            return []
        prompts = [each.row.account.prompt for each, _ in pictures]
        found = measure(self._eyes([each.row for each, _ in pictures]), prompts, [pixels for _, pixels in pictures])
        return [_measured(each, pixels, seen) for (each, pixels), seen in zip(pictures, found, strict=True)]

    def _eyes(self, rows: Sequence[ImportedRow]) -> Embedder:
        images = [row.image_embedding for row in rows]
        prompts = [row.prompt_embedding for row in rows]
        if self._embedder is not None and all(each is None for each in images):
            return self._embedder
        given = _stacked("image_embedding", rows, images)
        told: NDArray[np.float32] | Embedder
        if self._embedder is None or prompts[0] is not None:
            told = _stacked("prompt_embedding", rows, prompts)
        else:
            told = self._embedder
        return GivenEmbeddings("", given, told, self._embedder)


def _is_judged(row: ImportedRow) -> bool:
    return row.account.outcome is Outcome.SERVED and row.account.arm in JUDGED_ARMS


def _pixels(each: Loaded, rejects: Rejects) -> NDArray[np.uint8] | None:
    try:
        if each.content is None:
            raise ValueError("a served generation needs its image")
        return decode(each.content)
    except ValueError as error:
        rejects.add(each.row.line, SafelightError(Kind.INVALID, "image_unreadable", f"image: {error}."))
        return None


def _stacked(
    field: str, rows: Sequence[ImportedRow], vectors: Sequence[NDArray[np.float32] | None]
) -> NDArray[np.float32]:
    known = [vector for vector in vectors if vector is not None]
    if len(known) < len(vectors) or len({vector.shape for vector in known}) > 1:
        lacking = next((row.line for row, vector in zip(rows, vectors, strict=True) if vector is None), rows[0].line)
        raise SafelightError(
            Kind.INVALID,
            "embeddings_missing",
            f"Line {lacking}: {field} is missing or has other dimensions than the others. Every row needs its own, "
            "or none, with an embedder to make them.",
        )
    return np.stack(known)


def _measured(each: Loaded, pixels: NDArray[np.uint8], seen: Measurement) -> Measured:
    account = each.row.account
    parameters = {"width": pixels.shape[1], "height": pixels.shape[0], **account.parameters}
    details = Details(
        name=f"line {each.row.line}",
        prompt=account.prompt,
        parameters=parameters,
        replica=account.replica,
        adapter=account.adapter,
        tenant=account.tenant,
        region=account.region,
    )
    signals = seen.signals
    blank = Measured(each.row.id, each.row.created_at, account.version, details, _small(pixels))
    if signals.broken:
        return blank
    scalars = scalar_columns(seen.alignment, signals.sharpness, signals.contrast, signals.brightness)
    return Measured(
        blank.id, blank.at, blank.version, details, blank.thumbnail, scalars, prompt=seen.prompt, image=seen.image
    )


def _small(pixels: NDArray[np.uint8]) -> bytes:
    return thumbnail(Image.fromarray(pixels), THUMBNAIL_PIXELS)

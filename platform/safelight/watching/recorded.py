"""A recorded stream of a version's generations, kept as a file: embeddings and signals, no image and no prompt."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from monitors.sample import Sample
from safelight.errors import Kind, SafelightError
from safelight.watching.samples import SCHEMA

_FORMAT = "1"
_ARRAYS = ("prompts", "images", "parameters", "scalars", "prompt_keys")


@dataclass(frozen=True, eq=False)
class RecordedSample:
    """Generations of the bundle `bundle_digest`, seen by the embedder `embedder_digest`; `blank` showed nothing."""

    bundle_digest: str
    embedder_digest: str
    blank: int
    sample: Sample


def write(path: Path, recorded: RecordedSample) -> None:
    """Embeddings go in half precision, as in the store; the file is a safetensors file."""
    sample = recorded.sample
    save_file(
        {
            "prompts": sample.prompts.astype(np.float16),
            "images": sample.images.astype(np.float16),
            "parameters": sample.parameters,
            "scalars": sample.scalars,
            "prompt_keys": sample.prompt_keys,
        },
        path,
        metadata={
            "format": _FORMAT,
            "bundle_digest": recorded.bundle_digest,
            "embedder_digest": recorded.embedder_digest,
            "blank": str(recorded.blank),
            "scalars": ",".join(scalar.name for scalar in SCHEMA.scalars),
        },
    )


def read(path: Path) -> RecordedSample:
    """Raises SafelightError `recorded_sample_unreadable` for a file that `write` of this release did not make."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
        if metadata["format"] != _FORMAT or metadata["scalars"] != ",".join(scalar.name for scalar in SCHEMA.scalars):
            raise ValueError("it was recorded by another release")
        return RecordedSample(
            bundle_digest=metadata["bundle_digest"],
            embedder_digest=metadata["embedder_digest"],
            blank=int(metadata["blank"]),
            sample=Sample(SCHEMA, **arrays),
        )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise SafelightError(
            Kind.INVALID,
            "recorded_sample_unreadable",
            f"{path.name} is no recorded sample that this release reads ({error}). Record it again.",
        ) from error

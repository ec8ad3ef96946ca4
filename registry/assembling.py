"""Puts a checkpoint and what lies elsewhere, adapters and golden images, into the one folder that a bundle is."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from registry.checkpoint import Checkpoint
from registry.layout import MODEL_INDEX
from registry.manifest import Adapter, ManifestCode, ManifestError, Name
from registry.parameters import Part, Real


class AdapterFile(Part):
    """Low-rank weights as their owner has them: a file of safetensors anywhere on this machine."""

    name: Name
    file: Path
    scale: Real = 1.0

    @property
    def entry(self) -> Adapter:
        """As the manifest lists it."""
        return Adapter(name=self.name, file=f"adapters/{self.name}.safetensors", scale=self.scale)


@contextmanager
def assembled(
    folder: Path, adapters: Sequence[AdapterFile], images: Mapping[str, bytes] | None = None
) -> Iterator[Path]:
    """The folder to register, for as long as that takes: the checkpoint's own when nothing can be put beside it.

    `images` are golden ones by their paths; they replace those that the folder has. Files are linked, not copied, where
    the file system allows it. Raises ManifestError for an adapter that is not there, or whose place is taken.
    """
    # What is no checkpoint is refused by whoever inspects it: it is not copied, whatever it is.
    if not (adapters or images) or not (folder / MODEL_INDEX).is_file():
        yield folder
        return
    beside = folder.parent if os.access(folder.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".safelight-", dir=beside) as staging:
        whole = Path(shutil.copytree(folder, Path(staging) / "bundle", symlinks=True, copy_function=_put))
        for adapter in adapters:
            target = whole / adapter.entry.file
            if target.exists():
                found = f"The folder holds {adapter.entry.file} already. Give adapter {adapter.name!r} another name."
                raise ManifestError(ManifestCode.ADAPTER_INVALID, found)
            if not adapter.file.is_file():
                found = f"Adapter {adapter.name!r} is to be {adapter.file}, where there is no file. Name one that is."
                raise ManifestError(ManifestCode.ADAPTER_MISSING, found)
            target.parent.mkdir(exist_ok=True)
            _put(str(adapter.file.resolve()), str(target))
        for path, content in (images or {}).items():
            (whole / path).parent.mkdir(exist_ok=True)
            # Not written into: what stands there may be a link to the owner's file.
            (whole / path).unlink(missing_ok=True)
            (whole / path).write_bytes(content)
        yield whole


def completed(
    checkpoint: Checkpoint, manifest: Mapping[str, object], adapters: Sequence[AdapterFile]
) -> dict[str, object]:
    """The manifest of an assembled folder: with its digest, and the adapters after those that it lists."""
    listed = manifest.get("adapters") or []
    entries = [each.entry.model_dump(mode="json") for each in adapters]
    # What is no list is left for the manifest's own check to name.
    together = [*listed, *entries] if isinstance(listed, list) else listed
    return {**manifest, "adapters": together, "checkpoint": checkpoint.digest}


def _put(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)

"""Puts a checkpoint and adapters that lie elsewhere into one folder, the form in which a bundle is kept."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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
def assembled(folder: Path, adapters: Sequence[AdapterFile]) -> Iterator[Path]:
    """The folder to register, for as long as that takes: the checkpoint's own when there are no adapters.

    Files are linked, not copied, where the file system allows it. Raises ManifestError for an adapter that is not
    there, or whose place in the folder is taken.
    """
    if not adapters:
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
        yield whole


def _put(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)

"""Where images and thumbnails are kept: a local folder, or any object store fsspec knows."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import fsspec

from safelight.ids import made_at
from safelight.settings import ImageStoreSettings


class ImageStore(Protocol):
    """Keeps bytes under keys. An object is there whole or not at all; writing it again replaces it."""

    def write(self, key: str, data: bytes) -> None:
        """Durable once it returns. Raises OSError where the store is away."""
        ...

    def write_all(self, objects: Mapping[str, bytes]) -> None:
        """As `write` does each, though none need be durable before all are. Raises OSError where the store is away."""
        ...

    def read(self, key: str) -> bytes:
        """Raises FileNotFoundError for a key that does not exist, another OSError where the store is away."""
        ...


class ImageArchive(ImageStore, Protocol):
    """A store that can be looked through by day, and let go of what it keeps."""

    def delete(self, keys: Iterable[str]) -> None:
        """Those that do not exist are passed over. Raises OSError where the store is away."""
        ...

    def days(self, before: date) -> list[date]:
        """The days before `before` that anything is kept of, the oldest first. Raises OSError as above."""
        ...

    def keys(self, day: date) -> list[str]:
        """What is kept of a day. Raises OSError as above."""
        ...


class LocalImages:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: str, data: bytes) -> None:
        self.write_all({key: data})

    def write_all(self, objects: Mapping[str, bytes]) -> None:
        paths = {key: self._path(key) for key in objects}
        folders = {path.parent for path in paths.values()}
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        for key, data in objects.items():
            self._put(paths[key], data)
        for folder in folders:  # once for all that is new in it: it costs as much as a file does
            self._sync_folder(folder)

    def read(self, key: str) -> bytes:
        return self._path(key).read_bytes()

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._path(key).unlink(missing_ok=True)

    def days(self, before: date) -> list[date]:
        return _days_before(before, (str(path.relative_to(self._root)) for path in self._root.glob("*/*/*")))

    def keys(self, day: date) -> list[str]:
        folder = self._path(_folder(day))
        found = [f"{_folder(day)}/{path.name}" for path in folder.iterdir()] if folder.is_dir() else []
        if not found:
            with suppress(OSError):
                folder.rmdir()  # or an empty folder would be a day to be looked at for ever
        return found

    def _path(self, key: str) -> Path:
        path = self._root / key
        if ".." in path.parts or key.startswith("/"):
            raise ValueError(f"{key!r} is not a key")
        return path

    @staticmethod
    def _put(path: Path, data: bytes) -> None:
        # Written beside its place and moved there: no reader and no crash ever sees half an image.
        unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()  # all of it, or an error: one write of the system's may take a part where the disk is full
            os.fsync(file.fileno())
        unfinished.replace(path)

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        """Makes the new name as durable as the bytes."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class ObjectImages:
    """Objects in a store that fsspec reaches, S3 for one. Such stores put an object whole or not at all."""

    def __init__(self, filesystem: fsspec.AbstractFileSystem, root: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def write(self, key: str, data: bytes) -> None:
        with _client_errors():
            self._filesystem.pipe_file(f"{self._root}/{key}", data)

    def write_all(self, objects: Mapping[str, bytes]) -> None:
        for key, data in objects.items():
            self.write(key, data)

    def read(self, key: str) -> bytes:
        with _client_errors():
            data: bytes = self._filesystem.cat_file(f"{self._root}/{key}")
        return data

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with _client_errors(), suppress(FileNotFoundError):
                self._filesystem.rm_file(f"{self._root}/{key}")

    def days(self, before: date) -> list[date]:
        with _client_errors():
            folders = [self._root]
            for _ in ("year", "month", "day"):
                folders = [each for folder in folders for each in self._list(folder)]
        return _days_before(before, (folder.removeprefix(self._root).strip("/") for folder in folders))

    def keys(self, day: date) -> list[str]:
        with _client_errors():
            found = self._list(f"{self._root}/{_folder(day)}")
        return [f"{_folder(day)}/{each.rpartition('/')[2]}" for each in found]

    def _list(self, folder: str) -> list[str]:
        try:
            found: list[str] = self._filesystem.ls(folder, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return [each.rstrip("/") for each in found if each.rstrip("/") != folder]


@contextmanager
def _client_errors() -> Iterator[None]:
    """Each store's client has errors of its own for a store that is away; here they are all an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def open_images(url: str, settings: ImageStoreSettings) -> ImageArchive:
    """The store at an address: file:///folder, s3://bucket/prefix ... Nothing is connected yet."""
    if urlsplit(url).scheme == "file":
        return LocalImages(Path(unquote(urlsplit(url).path)))
    return ObjectImages(*connect(url, settings))


def connect(url: str, settings: ImageStoreSettings) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of an address, or of a plain path, and the path on it. Nothing is connected yet."""
    options: dict[str, object] = {}
    if urlsplit(url).scheme == "s3":
        # What is left empty is looked for where every AWS client looks: environment, profile, instance role.
        options = {
            "key": settings.s3_key.get_secret_value() or None,
            "secret": settings.s3_secret.get_secret_value() or None,
            "endpoint_url": settings.s3_endpoint or None,
        }
    filesystem, root = fsspec.core.url_to_fs(url, **options)
    return filesystem, root


def image_key(identifier: UUID) -> str:
    """The key of a generation's PNG: by day, so that a day can be listed, kept or expired as one."""
    return f"{_folder(made_at(identifier).astimezone(UTC).date())}/{identifier}.png"


def thumbnail_key(identifier: UUID) -> str:
    return image_key(identifier).removesuffix(".png") + ".webp"


def generation_of(key: str) -> UUID | None:
    """Whose image or thumbnail it is; None for what is neither."""
    name = key.rpartition("/")[2]
    with suppress(ValueError):
        return UUID(name.removesuffix(".png").removesuffix(".webp"))
    return None


def _folder(day: date) -> str:
    return f"{day:%Y/%m/%d}"


def _days_before(before: date, folders: Iterable[str]) -> list[date]:
    found = []
    for folder in folders:
        with suppress(ValueError):  # what else lies in the store is not ours
            found.append(date.fromisoformat(folder.replace("/", "-")))
    return sorted(day for day in found if day < before)

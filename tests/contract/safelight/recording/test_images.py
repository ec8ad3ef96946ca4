"""What every image store keeps its word on: a folder, an object store in memory, and S3 over HTTP."""

import errno
import os
import resource
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from safelight.ids import first_id_at
from safelight.recording.images import ImageArchive, LocalImages, generation_of, image_key, open_images, thumbnail_key
from safelight.settings import ImageStoreSettings


@pytest.fixture(scope="session")
def s3() -> Iterator[ImageStoreSettings]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = ImageStoreSettings(
        s3_endpoint=f"http://{host}:{port}", s3_key=SecretStr("key"), s3_secret=SecretStr("secret")
    )
    fsspec.filesystem("s3", endpoint_url=settings.s3_endpoint, key="key", secret="secret").mkdir("images")
    yield settings
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImageArchive]:
    if request.param == "folder":
        yield open_images((tmp_path / "with space").as_uri(), ImageStoreSettings())
    elif request.param == "memory":
        yield open_images("memory://images", ImageStoreSettings())
        MemoryFileSystem.store.clear()
    else:
        yield open_images("s3://images/prefix", request.getfixturevalue("s3"))


def test_what_was_written_is_read(images: ImageArchive) -> None:
    key, data = f"2026/11/23/{uuid4()}.png", bytes(range(256)) * 1000
    images.write(key, data)
    assert images.read(key) == data


def test_writing_again_replaces(images: ImageArchive) -> None:
    key = f"2026/11/23/{uuid4()}.png"
    images.write(key, b"a longer first version")
    images.write(key, b"second")
    assert images.read(key) == b"second"


def test_what_was_written_together_is_read(images: ImageArchive) -> None:
    objects = {f"2026/11/{day}/{uuid4()}.{kind}": kind.encode() for day in (22, 23) for kind in ("png", "webp")}
    images.write_all(objects)
    assert {key: images.read(key) for key in objects} == objects


def test_a_missing_key_says_so(images: ImageArchive) -> None:
    with pytest.raises(FileNotFoundError):
        images.read(f"2026/11/23/{uuid4()}.png")


def test_a_store_is_looked_through_by_day_and_lets_go(images: ImageArchive) -> None:
    kept = {"2025/11/30/a.png", "2025/12/01/a.png", "2025/12/01/a.webp", "2026/01/02/b.png"}
    for key in kept:
        images.write(key, b"an image")
    assert images.days(date(2026, 1, 2)) == [date(2025, 11, 30), date(2025, 12, 1)]
    assert set(images.keys(date(2025, 12, 1))) == {"2025/12/01/a.png", "2025/12/01/a.webp"}
    assert images.keys(date(2025, 12, 2)) == []

    images.delete(["2025/12/01/a.png", "2025/12/01/never there.png"])
    images.delete(["2025/12/01/a.png"])
    assert images.keys(date(2025, 12, 1)) == ["2025/12/01/a.webp"]
    with pytest.raises(FileNotFoundError):
        images.read("2025/12/01/a.png")
    images.delete(["2025/11/30/a.png"])
    assert images.keys(date(2025, 11, 30)) == []
    assert images.days(date(2026, 1, 2)) == [date(2025, 12, 1)]


def test_a_key_says_whose_image_it_is() -> None:
    identifier = uuid4()
    assert generation_of(f"2026/01/02/{identifier}.png") == identifier
    assert generation_of(f"2026/01/02/{identifier}.webp") == identifier
    assert generation_of("2026/01/02/notes.txt") is None


def test_keys_sort_by_day() -> None:
    identifier = first_id_at(datetime(2026, 2, 3, 23, 59, tzinfo=UTC))
    assert image_key(identifier) == f"2026/02/03/{identifier}.png"
    assert thumbnail_key(identifier) == f"2026/02/03/{identifier}.webp"


@pytest.mark.parametrize("key", ["../outside.png", "a/../../outside.png", "/etc/passwd"])
def test_a_folder_is_not_left(key: str, tmp_path: Path) -> None:
    images = open_images(tmp_path.as_uri(), ImageStoreSettings())
    with pytest.raises(ValueError, match="not a key"):
        images.read(key)


def test_a_folder_holds_whole_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = open_images(tmp_path.as_uri(), ImageStoreSettings())
    images.write("day/a.png", b"whole")
    monkeypatch.setattr(Path, "replace", _refuse)
    with pytest.raises(OSError, match="no space"):
        images.write("day/a.png", b"half")
    assert images.read("day/a.png") == b"whole"


def test_an_s3_store_that_is_away_is_an_os_error() -> None:
    settings = ImageStoreSettings(
        s3_endpoint="http://127.0.0.1:9", s3_key=SecretStr("key"), s3_secret=SecretStr("secret")
    )
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        open_images("s3://images", settings).read("a.png")


def _refuse(*_: object) -> None:
    raise OSError("no space left on device")


def test_an_image_that_fits_only_in_part_is_refused_and_not_torn(tmp_path: Path) -> None:
    """A full disk takes what it has room for, and only the next write fails: as a limit on a file's size does."""
    images, before = LocalImages(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            images.write("2026/11/23/a.png", b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with pytest.raises(FileNotFoundError):
        images.read("2026/11/23/a.png")

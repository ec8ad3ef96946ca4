"""A zip that is handed on while it is written."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from random import Random

from safelight.auditing.archive import zipped

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_what_comes_out_is_a_zip_with_the_digest_of_every_file() -> None:
    data = b"".join(zipped([("a.txt", ["on", "e"]), ("b/c.bin", [b"\x00\x01"]), ("empty", [])], NOON))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.read("a.txt") == b"one"
    sums = archive.read("SHA256SUMS").decode().splitlines()
    assert sums == [f"{sha256(archive.read(name)).hexdigest()}  {name}" for name in ("a.txt", "b/c.bin", "empty")]


def test_it_is_handed_on_long_before_the_last_piece_is_read() -> None:
    random, read = Random(1), []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            read.append(number)
            yield random.randbytes(20_000)

    stream = zipped([("big", pieces())], NOON)
    assert next(stream)
    assert len(read) < 20

"""Images nobody vouches for."""

import io
import struct
import zlib

import pytest
from PIL import Image

from safelight.errors import Kind, SafelightError
from safelight.recording.pixels import as_png, decode, thumbnail


def _image(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind)
    return out.getvalue()


def _bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that announces a huge image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_formats_people_send_are_read_and_kept_as_png(kind: str) -> None:
    data = _image(kind)
    image = decode(data)
    png = as_png(image, data)
    assert Image.open(io.BytesIO(png)).format == "PNG"
    assert list(decode(png).convert("RGB").tobytes()) == list(image.convert("RGB").tobytes())
    assert (png == data) is (kind == "PNG")


@pytest.mark.parametrize(
    "data",
    [b"", b"not an image", _image("PNG")[:-30], _image("JPEG")[:300], _image("GIF"), b"<svg/>"],
    ids=["empty", "text", "half a png", "half a jpeg", "gif", "svg"],
)
def test_what_is_not_one_whole_image_is_unreadable(data: bytes) -> None:
    with pytest.raises(SafelightError) as refusal:
        decode(data)
    assert (refusal.value.kind, refusal.value.code) == (Kind.INVALID, "image_unreadable")


@pytest.mark.parametrize("size", [(4097, 4096), (10_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(SafelightError) as refusal:
        decode(_bomb(*size))
    assert (refusal.value.kind, refusal.value.code) == (Kind.TOO_LARGE, "image_too_large")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_thumbnail_keeps_the_shape_within_its_bound(mode: str) -> None:
    small = Image.open(io.BytesIO(thumbnail(decode(_image("PNG", (640, 480), mode)), 192)))
    assert (small.format, small.size) == ("WEBP", (192, 144))


def test_a_thumbnail_is_never_larger_than_its_image() -> None:
    assert Image.open(io.BytesIO(thumbnail(decode(_image("PNG", (16, 16))), 192))).size == (16, 16)

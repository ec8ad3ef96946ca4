"""Bodies that may come compressed."""

import zlib

from anyio.to_thread import run_sync
from fastapi import Request

from safelight.errors import Kind, SafelightError

_GZIP = 31  # zlib's window bits: a gzip header and nothing else


async def plain_body(request: Request, most: int) -> bytes:
    """The body as it was before it was compressed, at most `most` bytes of it.

    Raises SafelightError `content_encoding_unsupported`, `body_unreadable`, `body_too_large`.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    body = await request.body()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise SafelightError(
            Kind.INVALID, "content_encoding_unsupported", "Send the body as it is, or with Content-Encoding: gzip."
        )
    return await run_sync(inflate, body, _GZIP, most)


def inflate(data: bytes, wbits: int, most: int) -> bytes:
    """One whole compressed stream. No more than `most` bytes are ever unpacked. Raises as `plain_body` does."""
    unpacker = zlib.decompressobj(wbits=wbits)
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error:
        raise _unreadable() from None
    if len(plain) > most:
        raise SafelightError(
            Kind.TOO_LARGE, "body_too_large", f"What was sent unpacks to more than {most} bytes. Send it in parts."
        )
    if not unpacker.eof or unpacker.unused_data:
        raise _unreadable()
    return plain


def _unreadable() -> SafelightError:
    return SafelightError(Kind.INVALID, "body_unreadable", "What was sent is not one whole compressed stream.")

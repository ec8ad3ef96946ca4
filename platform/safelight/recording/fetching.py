"""Fetching images that lie elsewhere: an address is somebody's input, and our network is not theirs to look at."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import httpcore

from safelight.clock import Clock
from safelight.errors import SafelightError
from safelight.notifying.connection import BadCertificate, ForbiddenAddress, LookupTimeout, NameUnknown
from safelight.recording.images import ImageStore, image_key, thumbnail_key
from safelight.recording.pixels import as_png, decode, thumbnail
from safelight.store import fetches
from safelight.store.database import Database
from safelight.store.fetches import Fetch

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
"""The last of them two hours after the first."""
_AT_ONCE = 8
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_OK = 200
_TRY_AGAIN = frozenset({408, 425, 429})


class Failure(StrEnum):
    """Why there is no image."""

    FORBIDDEN_ADDRESS = "forbidden_address"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    NO_IMAGE = "no_image"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"

    @property
    def passing(self) -> bool:
        """Whether it may be otherwise in a while."""
        return self in (Failure.UNREACHABLE, Failure.TIMEOUT)


@dataclass(frozen=True)
class Getter:
    """One GET with every limit on it: where it may lead, how long it may take, how much it may bring."""

    backend: Callable[[], httpcore.NetworkBackend]
    most: int

    def get(self, uri: str) -> bytes | Failure:
        """The body of a 200. Redirects are not followed: they would lead where nobody has looked."""
        try:
            with (
                httpcore.ConnectionPool(network_backend=self.backend()) as pool,
                pool.stream("GET", uri, headers=[("user-agent", "Safelight"), ("accept", "image/*")]) as response,
            ):
                if response.status != _OK:
                    server_ails = response.status >= 500 or response.status in _TRY_AGAIN
                    return Failure.UNREACHABLE if server_ails else Failure.REFUSED
                return self._read(response)
        except ForbiddenAddress:
            return Failure.FORBIDDEN_ADDRESS
        except (httpcore.TimeoutException, LookupTimeout):
            return Failure.TIMEOUT
        except (
            NameUnknown,
            BadCertificate,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
        ):
            return Failure.UNREACHABLE

    def _read(self, response: httpcore.Response) -> bytes | Failure:
        body = bytearray()
        for part in response.iter_stream():
            body += part
            if len(body) > self.most:
                return Failure.TOO_LARGE
        return bytes(body)


class Fetcher:
    """Fetches what is due. Two workers that fetch the same image do no harm: one of them puts it to its generation."""

    def __init__(
        self, database: Database, images: ImageStore, getter: Getter, clock: Clock, thumbnail_pixels: int
    ) -> None:
        self._database = database
        self._images = images
        self._getter = getter
        self._clock = clock
        self._thumbnail_pixels = thumbnail_pixels

    def run_once(self) -> int:
        """How many it looked at. Raises OSError while the image store is away."""
        with self._database.reading() as session:
            due = fetches.due(session, self._clock.now(), _AT_ONCE)
        for fetch in due:
            self._fetch(fetch)
        return len(due)

    def _fetch(self, fetch: Fetch) -> None:
        got = self._getter.get(fetch.uri)
        kept = got if isinstance(got, Failure) else self._keep(fetch, got)
        with self._database.transaction() as session:
            if not isinstance(kept, Failure):
                fetches.fetched(session, fetch, kept)
            elif kept.passing and fetch.attempts + 1 < MOST_ATTEMPTS:
                fetches.put_off(session, fetch, self._clock.now() + pause_after(fetch.attempts))
            else:
                logger.warning("the image of generation %s cannot be had: %s", fetch.generation_id, kept)
                fetches.given_up(session, fetch, kept.value)

    def _keep(self, fetch: Fetch, data: bytes) -> dict[str, object] | Failure:
        """Images first: a row never names an image that is not there."""
        try:
            image = decode(data)
        except SafelightError as error:
            return Failure.TOO_LARGE if error.code == "image_too_large" else Failure.NO_IMAGE
        png = as_png(image, data)
        self._images.write(image_key(fetch.generation_id), png)
        self._images.write(thumbnail_key(fetch.generation_id), thumbnail(image, self._thumbnail_pixels))
        return {
            "image_key": image_key(fetch.generation_id),
            "thumbnail_key": thumbnail_key(fetch.generation_id),
            "image_sha256": hashlib.sha256(png).hexdigest(),
            "width": image.width,
            "height": image.height,
        }


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts before the one that has just failed."""
    return min(_FIRST_PAUSE * int(2**attempts), _LONGEST_PAUSE)

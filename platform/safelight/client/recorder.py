"""The sidecar: takes a record in microseconds, and sends it from a thread of its own when it can."""

import atexit
import base64
import encodings.idna  # noqa: F401 - a first look-up of a host would import it in the thread: see httpcore
import json
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID
from weakref import WeakSet

import httpcore  # noqa: F401 - httpx would import it in the thread, where the first request may import more of it
import httpx

from safelight.client.answers import Halve, Never, Taken, TryAgain, meaning, pause
from safelight.client.buffer import Buffer, Dropped, Record
from safelight.ids import new_id

logger = logging.getLogger(__name__)

# A child forked while the thread imports or prepares TLS would wait for ever for the locks of that: nobody frees them.
_preparing = threading.Lock()
os.register_at_fork(before=_preparing.acquire, after_in_parent=_preparing.release, after_in_child=_preparing.release)

Outcome = Literal["served", "filtered", "failed", "cancelled"]

_LINES = 500
_BATCH_BYTES = 4 * 1024 * 1024
_LINGER_SECONDS = 0.05
"""How long the first record of a batch waits for others."""
_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_LOOK_SECONDS = 0.02
_LOOKS_A_HURRY = 25
"""Whoever waits for the end asks for an attempt so often: a Safelight that is cross is not to be besieged."""
_OVERHEAD = 500
"""Bytes a record takes beside its image and its prompts, about."""


@dataclass(frozen=True)
class Status:
    """How it fares. `failing` says why the last request was not taken; None while all is well."""

    waiting: int
    waiting_bytes: int
    """In memory; what is being sent is not in it."""
    sent: int
    dropped: Mapping[Dropped, int]
    failing: str | None


_recorders: "WeakSet[Recorder]" = WeakSet()


def _begin_in_child() -> None:
    for each in list(_recorders):
        each._begin()  # noqa: SLF001 - ours


os.register_at_fork(after_in_child=_begin_in_child)


class Recorder:
    """Tells Safelight of the images a service makes. No call of it raises, and none waits for the network.

    While Safelight is away records wait in memory, at most `most` of them and `most_bytes`; then the oldest are let go,
    and counted. What waits at the end of the process is given `flush_seconds`. One is enough for a process; any thread
    may use it, and a forked child has its own.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        generator: str,
        version: int,
        replica: str | None = None,
        region: str | None = None,
        most: int = 20_000,
        most_bytes: int = 128 * 1024 * 1024,
        flush_seconds: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`key` is one of role `client`. `version` is the number that registering it gave."""
        self._url = url.rstrip("/") + "/api/v1/ingest"
        self._key = key
        self._common = {"generator": generator, "version": version, "replica": replica or socket.gethostname()}
        if region is not None:
            self._common["region"] = region
        self._most, self._most_bytes = most, most_bytes
        self._flush_seconds = flush_seconds
        self._transport = transport
        self._begin()
        _recorders.add(self)
        atexit.register(self.close)

    def _begin(self) -> None:
        """Also in a forked child: the thread is the parent's, and so are the records and whoever holds a lock."""
        self._buffer = Buffer(self._most, self._most_bytes)
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failing: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def record(
        self,
        *,
        prompt: str,
        image: bytes | None = None,
        image_uri: str | None = None,
        seen: Mapping[str, Any] | None = None,
        outcome: Outcome = "served",
        error_code: str | None = None,
        final_prompt: str | None = None,
        seed: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        adapter: str | None = None,
        tenant: str | None = None,
        region: str | None = None,
        end_user: str | None = None,
        version: int | None = None,
        request_id: UUID | None = None,
        queue_ms: float | None = None,
        engine_ms: float | None = None,
        total_ms: float | None = None,
    ) -> UUID | None:
        """The id it will be known by; None where it cannot be one (counted as invalid).

        A served image comes as PNG, JPEG or WebP bytes, as an address, or as what was seen of it; any other outcome
        without. `final_prompt` is what a rewriter made of the prompt.
        """
        try:
            fields = {
                "prompt": prompt,
                "image_uri": image_uri,
                "seen": seen,
                "outcome": outcome,
                "error_code": error_code,
                "final_prompt": final_prompt,
                "seed": seed,
                "parameters": None if parameters is None else dict(parameters),
                "adapter": adapter,
                "tenant": tenant,
                "region": region,
                "end_user": end_user,
                "version": version,
                "request_id": None if request_id is None else str(request_id),
                "queue_ms": queue_ms,
                "engine_ms": engine_ms,
                "total_ms": total_ms,
            }
            told = {name: value for name, value in fields.items() if value is not None}
            size = len(prompt) + len(final_prompt or "") + len(image or b"") + _texts(seen) + _texts(parameters)
            record = Record(new_id(), told, image, size + _OVERHEAD)
            self._buffer.put(record)
        except Exception:
            # Whatever it was: a record is never worth a request of somebody's.
            self._buffer.refuse(Dropped.INVALID)
            logger.debug("a record could not be taken", exc_info=True)
            return None
        try:
            self._start()
        except RuntimeError as error:  # no thread is to be had: it waits, and the next one asks again
            self._ill(str(error))
        return record.id

    def status(self) -> Status:
        return Status(*self._buffer.counts, self._failing)

    def flush(self, seconds: float) -> bool:
        """Wait until nothing waits any more, at most so long; whether that is so."""
        deadline, looks = time.monotonic() + seconds, count()
        while self.status().waiting and time.monotonic() < deadline:
            if next(looks) % _LOOKS_A_HURRY == 0:
                self._hurry.set()
            time.sleep(_LOOK_SECONDS)
        return not self.status().waiting

    def close(self) -> None:
        """Send what waits, as long as `flush_seconds` allow; what is left then is counted as unsent."""
        atexit.unregister(self.close)
        if self._closing:
            return
        self._closing = True
        if not self.flush(self._flush_seconds):
            logger.warning("%d generations were not told to Safelight: the process ends", self.status().waiting)
        self._buffer.close()
        self._hurry.set()
        self._wake.set()

    def _start(self) -> None:
        """At the first record, not at import or construction: a server may fork in between."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="safelight-recorder", daemon=True)
                    thread.start()
                    self._thread = thread
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        """What ends the sending may pass, as a want of files or memory does: then it begins again."""
        for failures in count(1):
            try:
                self._send_for_ever()
            except Exception as error:
                if self._failing is None:
                    logger.exception("records cannot be sent; they wait, at most %d of them", self._most)
                self._failing = f"{type(error).__name__}: {error}"
            if self._closing:
                return
            self._hurry.wait(pause(failures, random.random()))  # noqa: S311 - spread, not secret
            self._hurry.clear()

    def _send_for_ever(self) -> None:
        # Reading the system's certificates takes a while: not for an address that needs none.
        encrypted = self._url.startswith("https:")
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/x-ndjson"}
        with _preparing:
            client = httpx.Client(timeout=_TIMEOUT, headers=headers, verify=encrypted, transport=self._transport)
        with client:
            failures = 0
            while len(self._buffer) or not self._closing:
                self._wake.wait()
                self._wake.clear()
                if len(self._buffer) < _LINES:
                    self._hurry.wait(_LINGER_SECONDS)
                wait = self._send(client)
                failures = 0 if wait is None else failures + 1
                if wait is not None:
                    self._hurry.wait(max(wait, pause(failures, random.random())))  # noqa: S311 - spread, not secret
                self._hurry.clear()
                if len(self._buffer):
                    self._wake.set()

    def _send(self, client: httpx.Client) -> float | None:
        """None where all is well; otherwise what was taken waits again, for so many seconds at least."""
        batch = self._buffer.take(_LINES, _BATCH_BYTES)
        lines = [(record, line) for record in batch if (line := self._line(record)) is not None]
        return self._post(client, [record for record, _ in lines], [line for _, line in lines])

    def _post(self, client: httpx.Client, records: Sequence[Record], lines: Sequence[bytes]) -> float | None:
        if not records:
            return None
        try:
            answer = client.post(self._url, content=b"\n".join(lines))
            found = meaning(len(records), answer.status_code, answer.headers, _json(answer))
        except Exception as error:  # noqa: BLE001 - whatever a network and a library can do
            found = TryAgain(type(error).__name__)
        match found:
            case Taken(again, refused, why):
                self._buffer.sent(len(records) - len(again) - len(refused))
                if self._failing is not None and not again:
                    logger.info("Safelight takes records again")
                    self._failing = None
                self._drop(Dropped.REFUSED, len(refused), why)
                if again:
                    self._buffer.put_back([records[place] for place in again])
                    return self._ill(why)
                return None
            case Halve() if len(records) > 1:
                middle = len(records) // 2
                first = self._post(client, records[:middle], lines[:middle])
                second = self._post(client, records[middle:], lines[middle:])
                return second if first is None else first
            case Halve():
                self._drop(Dropped.TOO_LARGE, 1, "Safelight takes no request of that size")
                return None
            case Never(why):
                self._drop(Dropped.REFUSED, len(records), why)
                return None
            case TryAgain(why, seconds):
                self._buffer.put_back(records)
                self._ill(why)
                return seconds

    def _line(self, record: Record) -> bytes | None:
        told = {"id": str(record.id), **self._common, **record.fields}
        try:
            if record.image is not None:
                told["image"] = base64.b64encode(record.image).decode()
            return json.dumps(told, allow_nan=False).encode()
        except Exception as error:  # noqa: BLE001 - a caller's own types may raise what they like
            self._drop(Dropped.INVALID, 1, str(error))
            return None

    def _ill(self, why: str) -> float:
        if self._failing is None:
            logger.warning("Safelight takes no records (%s); they wait, at most %d of them", why, self._most)
        self._failing = why
        return 0.0

    def _drop(self, why: Dropped, count: int, said: str) -> None:
        if count:
            if why not in self._buffer.counts[-1]:
                logger.warning("a record was let go, and others may be (%s): %s", why, said)
            self._buffer.drop(why, count)


def _texts(told: Mapping[str, Any] | None) -> int:
    return sum(len(value) for value in told.values() if isinstance(value, str)) if told else 0


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None

"""A Safelight that can be down, slow, in a bad mood, and back again."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Moody:
    """Answers POST /api/v1/ingest. `mood` is a status, "well", "slow" (never answers) or "torn" (hangs up)."""

    port: int = 0
    mood: int | str = "well"
    asked: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    most_lines: int = 1000
    over: threading.Event = field(default_factory=threading.Event)
    server: ThreadingHTTPServer | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server = _Server(self)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
            self.server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, moody: Moody) -> None:
        super().__init__(("127.0.0.1", moody.port), _Handler)
        self.moody = moody


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        moody = self.server.moody
        body = self.rfile.read(int(self.headers["content-length"]))
        moody.asked += 1
        moody.keys.add(self.headers["authorization"])
        if moody.mood == "slow":
            moody.over.wait(30)
        if moody.mood in ("slow", "torn"):
            self.close_connection = True
            return
        lines = body.split(b"\n")
        if len(lines) > moody.most_lines:
            self._answer(413, {"code": "too_many_lines"})
        elif isinstance(moody.mood, int):
            self._answer(moody.mood, {"code": "a_code"})
        else:
            answers = [self._take(number, json.loads(line)) for number, line in enumerate(lines, start=1)]
            self._answer(202, {"lines": answers})

    def _take(self, number: int, record: dict[str, Any]) -> dict[str, Any]:
        if record["prompt"] == "refused":
            return {"line": number, "code": "invalid_submission"}
        self.server.moody.taken.append(record)
        return {"line": number, "id": record["id"]}

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def moody() -> Iterator[Moody]:
    made = Moody()
    made.start()
    yield made
    made.over.set()
    made.stop()

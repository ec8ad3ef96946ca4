"""A real receiver of webhooks, on loopback."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import pytest


@dataclass
class Receiver:
    """Answers with the statuses it was given, the last one for ever, and keeps what it was told."""

    server: HTTPServer
    url: str
    statuses: list[int] = field(default_factory=lambda: [204])
    headers: dict[str, str] = field(default_factory=dict)
    trickle_seconds: float = 0.0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.requests.append(({key.lower(): value for key, value in self.headers.items()}, body))
            if made.trickle_seconds:
                self._trickle(time.monotonic() + made.trickle_seconds)
                return
            self.send_response(made.statuses.pop(0) if len(made.statuses) > 1 else made.statuses[0])
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _trickle(self, until: float) -> None:
            """A header that never ends, byte by byte, each in time."""
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
                while time.monotonic() < until and not stopping.wait(0.05):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            except OSError:
                pass  # the sender has had enough

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(server, f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    stopping.set()
    server.shutdown()
    thread.join()
    server.server_close()

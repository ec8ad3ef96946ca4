"""Somebody else's service behind a webhook: takes orders, and answers as it is told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """`serves` is what it says it serves, None: nothing, it has only taken the order; `status` is its answer's."""

    url: str = ""
    secret: str = ""
    status: int = 200
    serves: int | None = None
    orders: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> bytes:
        # As the library verifies, but for the age: the tests' time is not today's.
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signed = Webhook(self.secret).sign(headers["webhook-id"], at, body.decode())
        assert signed in headers["webhook-signature"].split()
        self.ids.append(headers["webhook-id"])
        self.orders.append(json.loads(body))
        return b"queued" if self.serves is None else json.dumps({"version": self.serves}).encode()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            said = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(receiver.status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{http.server_address[1]}/orders"
    try:
        yield receiver
    finally:
        http.shutdown()
        thread.join()
        http.server_close()

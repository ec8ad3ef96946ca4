"""A webhook receiver as an on-call tool would run one: it takes nothing that is not signed."""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

_LARGEST = 1024 * 1024


class Receiver:
    """Listens on loopback; keeps the events whose Standard Webhooks signature holds, in the order they came."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self._webhook: Webhook | None = None
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def trust(self, secret: str) -> None:
        """Take events signed with this secret from now on."""
        self._webhook = Webhook(secret)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, event: str, incident_id: str, seconds: float) -> dict[str, Any] | None:
        """The first event of a type about an incident; None when it does not come in time."""

        def found() -> dict[str, Any] | None:
            about = (known for known in self.events if known["type"] == event)
            return next((each for each in about if each["data"]["incident_id"] == incident_id), None)

        with self._arrived:
            self._arrived.wait_for(lambda: found() is not None, seconds)
            return found()

    def _take(self, body: bytes, headers: dict[str, str]) -> bool:
        try:
            if self._webhook is None:
                return False
            self._webhook.verify(body, headers)
        except WebhookVerificationError:
            self.refused += 1
            return False
        with self._arrived:
            self.events.append(json.loads(body))
            self._arrived.notify_all()
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", 0)), _LARGEST)
                headers = {name.lower(): value for name, value in self.headers.items()}
                taken = take(self.rfile.read(length), headers)
                self.send_response(HTTPStatus.NO_CONTENT if taken else HTTPStatus.UNAUTHORIZED)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
                """Quiet: the story says what happens."""

        return Handler

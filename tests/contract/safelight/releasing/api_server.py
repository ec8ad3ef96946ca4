"""A small Kubernetes API server: one resource of each kind, by the rules that its clients have to live with.

Content types and answers are those of https://kubernetes.io/docs/reference/using-api/api-concepts/ ; JSON merge patch
is RFC 7386, JSON patch RFC 6902 as far as `test`, `replace` and `add` of a member go.
"""

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MERGE, JSON = "application/merge-patch+json", "application/json-patch+json"


class Refused(Exception):
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
                         "message": message, "code": status}  # fmt: skip


class ApiServer:
    """`resources` by path. A change of `spec` makes a new generation, every change a new resource version."""

    def __init__(self, token: str, resources: dict[str, dict[str, Any]]) -> None:
        self.token = token
        self.resources = resources
        self.asked: list[tuple[str, str]] = []
        self.before_patch: Any = None
        """Called once, before the next patch: somebody who is quicker."""
        self.url = ""

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        self.asked.append((method, path))
        if headers.get("authorization") != f"Bearer {self.token}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        if path not in self.resources:
            raise Refused(403, "Forbidden", f'User "safelight" cannot {method.lower()} resource "{path}"')
        if method == "GET":
            return self.resources[path]
        if method != "PATCH":
            raise Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        if self.before_patch is not None:
            meddle, self.before_patch = self.before_patch, None
            meddle()
        return self._patch(path, headers.get("content-type", ""), json.loads(body))

    def change(self, path: str, **status: Any) -> None:
        """What its controller writes into the status."""
        self.resources[path]["status"] |= status
        self._touch(self.resources[path])

    def _patch(self, path: str, content_type: str, patch: Any) -> dict[str, Any]:
        stands = self.resources[path]
        made: dict[str, Any]
        if content_type == MERGE:
            made = _merged(copy.deepcopy(stands), patch)
        elif content_type == JSON:
            made = _patched(copy.deepcopy(stands), patch)
        else:  # of custom resources, strategic merge too
            accepted = "the body of the request was in an unknown format - accepted media types include: "
            raise Refused(415, "UnsupportedMediaType", f"{accepted}{JSON}, {MERGE}")
        if made["metadata"]["resourceVersion"] != stands["metadata"]["resourceVersion"]:
            raise Refused(
                409, "Conflict", "the object has been modified; please apply your changes to the latest version"
            )
        if made["spec"] != stands["spec"]:
            made["metadata"]["generation"] += 1
        if made != stands:
            self._touch(made)
        self.resources[path] = made
        return made

    @staticmethod
    def _touch(resource: dict[str, Any]) -> None:
        resource["metadata"]["resourceVersion"] = str(int(resource["metadata"]["resourceVersion"]) + 1)


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    made = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merged(made.get(key), value)
    return made


def _patched(document: Any, operations: list[dict[str, Any]]) -> Any:
    for each in operations:
        *way, last = each["path"].removeprefix("/").split("/")
        at = document
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        key = int(last) if isinstance(at, list) else last
        if each["op"] == "test" and at[key] != each["value"]:
            raise Refused(422, "Invalid", "the server rejected our request due to an error in our request")
        if each["op"] in ("replace", "add"):
            at[key] = each["value"]
    return document


@contextmanager
def serving(server: ApiServer) -> Iterator[ApiServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, document = 200, server.handle(self.command, self.path, headers, body)
            except Refused as refused:
                status, document = refused.status, refused.document
            said = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()

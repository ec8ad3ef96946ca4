"""A real API process, and a collector that speaks OTLP: what a request did, from its caller to the journal."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from registry.external import parse_external
from safelight.access import Role
from safelight.store import access, versions
from safelight.store.database import Database
from safelight.store.versions import KnownVersion

PATIENCE = 150.0
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

pytestmark = pytest.mark.timeout(400)  # a whole process starts


@dataclass
class Collector:
    """Keeps the spans it is told, with the name of the service they are of."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = ExportTraceServiceRequest()
                told.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
                for resource in told.resource_spans:
                    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
                    collector.services.add(attributes["service.name"])
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def wait(self, trace: str, names: set[str]) -> dict[str, Span]:
        """The spans of a trace by name, once those are there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = {span.name: span for span in self.spans if span.trace_id.hex() == trace}
            if names <= found.keys():
                return found
            assert time.monotonic() < deadline, f"only {sorted(found)} came"
            time.sleep(0.05)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    made.start()
    yield made
    made.stop()


@dataclass
class Api:
    client: httpx.Client
    process: subprocess.Popen[bytes]


@pytest.fixture
def api(migrated_sqlite: Path, tmp_path: Path, collector: Collector) -> Iterator[Api]:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'safelight.db'}")
    now, told = datetime.now(UTC), parse_external({"name": "theirs"})
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", now)
        versions.put_version(session, KnownVersion("portraits", 1, told.digest, told, "", now, "test"))
        _, key = access.create_key(session, "test", Role.CLIENT, now)
    database.dispose()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "SAFELIGHT_DATA_DIR": str(tmp_path),
        "SAFELIGHT_API__PORT": str(port),
        "SAFELIGHT_TRACES__ENDPOINT": f"http://127.0.0.1:{collector.port}/v1/traces",
        "SAFELIGHT_TRACES__SERVICE_NAME": "safelight-test",
    }
    process = subprocess.Popen([sys.executable, "-m", "safelight.cli", "api"], env=os.environ | settings)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30) as client:
            wait_until_answering(client)
            yield Api(client, process)
    finally:
        process.kill()
        process.wait()


def wait_until_answering(client: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client.get("/healthz").raise_for_status()
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def ancestors(span: Span, spans: list[Span]) -> set[bytes]:
    """The ids of a span's parent, its parent's parent, and so on."""
    parents = {each.span_id: each.parent_span_id for each in spans}
    found, at = set(), span.parent_span_id
    while at in parents:
        found.add(at)
        at = parents[at]
    return found


LINE = {"generator": "portraits", "version": 1, "outcome": "failed", "error_code": "oom", "prompt": "a red fox"}


def test_a_request_is_traced_from_its_caller_to_the_journal_and_nobody_waits_for_the_collector(
    api: Api, collector: Collector
) -> None:
    caller = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = api.client.post("/api/v1/ingest", json=LINE, headers=caller)
    assert answer.status_code == 202
    _, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (trace, flags) == (TRACE, "01")
    spans = collector.wait(TRACE, {"POST /api/v1/ingest", "journal"})
    request, journal = spans["POST /api/v1/ingest"], spans["journal"]
    assert (request.span_id.hex(), request.parent_span_id.hex(), request.kind) == (span, PARENT, Span.SPAN_KIND_SERVER)
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.response.status_code"].int_value == 202
    assert attributes["http.route"].string_value == "/api/v1/ingest"
    assert [span.name for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER] == ["POST /api/v1/ingest"]
    assert request.span_id in ancestors(journal, collector.spans)
    assert request.start_time_unix_nano <= journal.start_time_unix_nano <= journal.end_time_unix_nano
    assert collector.services == {"safelight-test"}

    # One that brings no trace begins one; what is not asked for by people is not traced.
    begun = api.client.post("/api/v1/ingest", json=LINE | {"version": 9})
    assert begun.status_code == 404
    collector.wait(begun.headers["traceparent"].split("-")[1], {"POST /api/v1/ingest"})
    assert "traceparent" not in api.client.get("/healthz").headers

    # A caller that does not want to be traced is not.
    unsampled = "00-" + "a" * 32 + "-" + "b" * 16 + "-00"
    api.client.post("/api/v1/ingest", json=LINE, headers={"traceparent": unsampled}).raise_for_status()
    # What is no traceparent harms nobody.
    api.client.post("/api/v1/ingest", json=LINE, headers={"traceparent": "00-not-a-trace"}).raise_for_status()

    collector.stop()
    for _ in range(20):
        assert api.client.post("/api/v1/ingest", json=LINE).status_code == 202
    collector.start()
    again = api.client.post("/api/v1/ingest", json=LINE).headers["traceparent"].split("-")[1]
    collector.wait(again, {"POST /api/v1/ingest", "journal"})
    assert not [each for each in collector.spans if each.trace_id.hex() == "a" * 32]

    collector.stop()
    api.client.post("/api/v1/ingest", json=LINE).raise_for_status()
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(PATIENCE) == 0

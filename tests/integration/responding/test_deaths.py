"""kill -9 at each step from a verdict to a notification to a rollback: told at least once, rolled back exactly once."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture
def heard() -> Iterator[tuple[str, Counter[str]]]:
    """A receiver's address, and how often it was told each message, by the message's id."""
    ids: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            ids[self.headers["webhook-id"]] += 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", ids
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_worker_that_dies_at_any_step_is_made_up_for(
    heard: tuple[str, Counter[str]], migrated_sqlite: Path, tmp_path: Path
) -> None:
    url, ids = heard
    played = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "dying.py"), str(migrated_sqlite), str(tmp_path), url],
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    stories = [json.loads(line) for line in played.stdout.splitlines()]
    assert [story["point"] for story in stories if not story["killed"]] == []
    assert len(stories) == 12
    for story in stories:
        point, told = story["point"], story["told"]
        assert (point, story["incidents"], story["rollbacks"], story["serving"]) == (point, 1, 1, 1)
        assert (point, [(event, state) for _, event, state in told]) == (point, [("incident.opened", "delivered")])
        # Who dies between the answer and its record tells again: under the same id, so that it can be told.
        (identifier,) = (each for each, _, _ in told)
        assert (point, ids[identifier]) == (point, 2 if point == "before the record" else 1)

"""A running Safelight as its users see it: what they ask of its API, and what they wait for."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import httpx

Found = TypeVar("Found")
_POLL_SECONDS = 0.25
_PAGE = 200
_ENDED = ("failed", "superseded", "aborted")


class StoryFailed(Exception):
    """Something that should have happened did not, in time."""


class Visitor:
    """Asks about one generator as any client would. What is refused raises StoryFailed, and so does waiting in vain."""

    def __init__(self, client: httpx.Client, generator: str) -> None:
        """`client` knows the address and carries a key."""
        self._client = client
        self.generator = generator

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return _body(self._client.get(path, params=query))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return _body(self._client.post(path, json=body))

    def put(self, path: str, **body: Any) -> dict[str, Any]:
        return _body(self._client.put(path, json=body))

    def wait(self, look: Callable[[], Found | None], seconds: float, what: str) -> Found:
        """What `look` finds, once it finds something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(_POLL_SECONDS)
        raise StoryFailed(f"waited {seconds:.0f} s in vain until {what}")

    def now(self) -> datetime:
        """By the server's clock."""
        return moment(self.get("/api/v1/live", generator=self.generator)["at"])

    def status(self) -> dict[str, Any]:
        return self.get(f"/api/v1/generators/{self.generator}")

    def serving(self) -> int:
        """The version that serves."""
        number: int = self.status()["serving"]["version"]
        return number

    def wait_until_healthy(self, version: int, seconds: float) -> None:
        """Until `version` serves and its monitors are content with it."""

        def healthy() -> bool | None:
            status = self.status()
            serving = status["serving"]
            return (serving is not None and serving["version"] == version and status["health"] == "healthy") or None

        self.wait(healthy, seconds, f"version {version} serves and is healthy")

    def newest_entry(self) -> dict[str, Any]:
        """Of the ledger."""
        entry: dict[str, Any] = self.get("/api/v1/ledger", generator=self.generator)["items"][0]
        return entry

    def release(self, release_id: str) -> dict[str, Any]:
        return self.get(f"/api/v1/releases/{release_id}")

    def promote(self, version: int, reason: str, **how: Any) -> dict[str, Any]:
        """Ask for it, with `override` or `canary` as the API has them; it is on its way then, or was refused."""
        asked = {"generator": self.generator, "version": version, "expected_serving": self.serving(), "reason": reason}
        return self.post("/api/v1/releases/promote", **asked, **how)

    def wait_until_serving(self, release: dict[str, Any], seconds: float) -> datetime:
        """Until a promote has arrived; returns when production flipped."""

        def arrived() -> dict[str, Any] | None:
            found = self.release(release["id"])
            if found["state"] in _ENDED:
                raise StoryFailed(f"the promote ended as {found['state']}: {found['steps'][-1]['detail']}")
            return found if found["state"] == "serving" else None

        found = self.wait(arrived, seconds, f"version {release['to_version']} serves")
        return step_at(found, "flipping")

    def incident(self, version: int) -> dict[str, Any] | None:
        """An open one that suspects a version."""
        items = self.get("/api/v1/incidents", generator=self.generator, limit=5)["items"]
        return next(
            (item for item in items if item["suspect_version"] == version and item["resolved_at"] is None), None
        )

    def incidents_since(self, start: datetime) -> list[dict[str, Any]]:
        """All that were opened since, the newest first, each with what led to it."""
        items = self.get("/api/v1/incidents", generator=self.generator, limit=_PAGE)["items"]
        return [self.get(f"/api/v1/incidents/{item['id']}") for item in items if moment(item["opened_at"]) >= start]

    def resolved(self, incident_id: str) -> dict[str, Any] | None:
        incident = self.get(f"/api/v1/incidents/{incident_id}")
        return incident if incident["state"] == "resolved" else None

    def count(self, version: int, start: datetime, end: datetime | None = None, arm: str = "stable") -> int:
        """Images that people were served by a version, begun in a range of time."""
        query: dict[str, Any] = {"generator": self.generator, "version": version, "arm": arm, "from": start.isoformat()}
        if end is not None:
            query["to"] = end.isoformat()
        number = 0
        before: str | None = None
        while True:
            page = self.get("/api/v1/generations", **query, limit=_PAGE, **({"before": before} if before else {}))
            number += sum(1 for item in page["items"] if item["outcome"] == "served")
            before = page["next"]
            if before is None:
                return number

    def last_made(self, version: int) -> datetime:
        """When the newest image was begun that people were served by a version."""
        query = {"generator": self.generator, "version": version, "arm": "stable", "limit": 1}
        return moment(self.get("/api/v1/generations", **query)["items"][0]["created_at"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def step_at(release: dict[str, Any], step: str) -> datetime:
    """When a release came to a step, the first time."""
    return next(moment(each["at"]) for each in release["steps"] if each["step"] == step)


def _body(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise StoryFailed(
            f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
        )
    body: dict[str, Any] = response.json()
    return body

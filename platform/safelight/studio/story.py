"""The whole promise, played once against a running Safelight: regression, incident, webhook, rollback, recovery.

Everything is asked of the API as any client would; nothing looks inside.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import httpx

from safelight.studio.receiver import Receiver

Found = TypeVar("Found")
_POLL_SECONDS = 0.25
_PAGE = 200


class StoryFailed(Exception):
    """Something that should have happened did not, in time."""


@dataclass
class Telling:
    """What happened: seconds from the flip to the regressed version, and counts."""

    version: int
    good_version: int
    seconds: dict[str, float] = field(default_factory=dict)
    generations_to_incident: int = 0
    bad_images: int = 0
    flip_seconds: float = 0.0
    reason: str = ""
    summary: str = ""

    def lines(self) -> list[str]:
        """As a person reads it."""
        last_bad = self.seconds["rollback"] + self.flip_seconds
        generations, flip = self.generations_to_incident, self.flip_seconds
        return [
            f"version {self.version} served instead of version {self.good_version}",
            f"incident opened       {self.seconds['incident']:8.1f} s  after {generations} generations ({self.reason})",
            f"signed webhook        {self.seconds['webhook']:8.1f} s",
            f"rollback asked        {self.seconds['rollback']:8.1f} s",
            f"last bad image begun  {last_bad:8.1f} s  {flip:.2f} s after the ledger's entry",
            f"recovery confirmed    {self.seconds['recovered']:8.1f} s",
            f"images served by the regressed version: {self.bad_images}",
            self.summary,
        ]


class Story:
    """Plays against a Safelight whose `generator` serves a good version under traffic."""

    def __init__(self, client: httpx.Client, generator: str, receiver: Receiver) -> None:
        """`client` knows the address and carries an admin's key; `receiver` listens already."""
        self._client = client
        self._generator = generator
        self._receiver = receiver

    def subscribe(self) -> None:
        """Have the receiver told of incidents."""
        channel = self._post("/api/v1/notifications/channels", name="on call", url=self._receiver.url)
        self._receiver.trust(channel["secret"])

    def wait_until_healthy(self, version: int, seconds: float) -> None:
        """Until `version` serves and its monitors are content with it."""

        def healthy() -> bool | None:
            status = self._status()
            serving = status["serving"]
            return (serving is not None and serving["version"] == version and status["health"] == "healthy") or None

        self._wait(healthy, seconds, f"version {version} serves and is healthy")

    def play(self, version: int, *, detect_within: float, recover_within: float) -> Telling:
        """Promote a regressed version and see it through. Raises StoryFailed."""
        good = self._status()["serving"]["version"]
        telling = Telling(version, good)
        flipped = self._promote(version, good)

        def since(moment: datetime) -> float:
            return (moment - flipped).total_seconds()

        incident = self._wait(lambda: self._incident(version), detect_within, "an incident opens")
        opened = _moment(incident["opened_at"])
        telling.seconds["incident"] = since(opened)
        telling.generations_to_incident = self._count(version, flipped, opened)
        telling.reason = incident["reason"]
        event = self._receiver.wait_for("incident.opened", 30.0)
        if event is None or event["data"]["incident_id"] != incident["id"]:
            raise StoryFailed("the webhook that tells of the incident did not arrive, or its signature did not hold")
        telling.seconds["webhook"] = since(_moment(event["timestamp"]))
        telling.summary = event["data"]["summary"]
        release = self._post(
            "/api/v1/releases/rollback",
            generator=self._generator,
            expected_serving=version,
            reason=f"incident {incident['id']}",
            incident_id=incident["id"],
        )
        if release["to_version"] != good:
            raise StoryFailed(f"the last known good version is {release['to_version']}, not {good}")
        entry = self._get("/api/v1/ledger", generator=self._generator)["items"][0]
        back = _moment(entry["at"])
        telling.seconds["rollback"] = since(back)
        resolved = self._wait(lambda: self._resolved(incident["id"]), recover_within, "recovery is confirmed")
        if resolved["resolution"] != "rolled_back":
            raise StoryFailed(f"the incident was resolved as {resolved['resolution']}")
        telling.seconds["recovered"] = since(_moment(resolved["resolved_at"]))
        telling.bad_images = self._count(version, flipped, None)
        telling.flip_seconds = max(0.0, (self._last_made(version) - back).total_seconds())
        return telling

    def watch_quietly(self, version: int, generations: int, seconds: float) -> list[str]:
        """Let `version` serve (promoted if it does not yet) until it has made that many images.

        Returns the titles of the incidents that opened meanwhile. Raises StoryFailed when traffic is too slow.
        """
        serving = self._status()["serving"]["version"]
        start = self._promote(version, serving) if serving != version else self._now()

        def enough() -> bool | None:
            return self._served(version, start) >= generations or None

        self._wait(enough, seconds, f"version {version} has made {generations} images")
        items = self._get("/api/v1/incidents", generator=self._generator, limit=_PAGE)["items"]
        return [item["title"] for item in items if _moment(item["opened_at"]) >= start]

    def _served(self, version: int, start: datetime) -> int:
        series = self._get("/api/v1/series", **{"generator": self._generator, "from": start.isoformat()})
        return sum(point["served"] for point in series["traffic"] if point["version"] == version)

    def _now(self) -> datetime:
        """By the server's clock."""
        return _moment(self._get("/api/v1/live", generator=self._generator)["at"])

    def _promote(self, version: int, serving: int) -> datetime:
        """When production flipped."""
        release = self._post(
            "/api/v1/releases/promote",
            generator=self._generator,
            version=version,
            expected_serving=serving,
            reason="looks good",
        )

        def arrived() -> dict[str, Any] | None:
            found = self._get(f"/api/v1/releases/{release['id']}")
            if found["state"] in ("failed", "superseded", "aborted"):
                raise StoryFailed(f"the promote ended as {found['state']}")
            return found if found["state"] == "serving" else None

        self._wait(arrived, 120.0, f"version {version} serves")
        return _moment(self._get("/api/v1/ledger", generator=self._generator)["items"][0]["at"])

    def _status(self) -> dict[str, Any]:
        return self._get(f"/api/v1/generators/{self._generator}")

    def _incident(self, version: int) -> dict[str, Any] | None:
        items = self._get("/api/v1/incidents", generator=self._generator, limit=5)["items"]
        return next(
            (item for item in items if item["suspect_version"] == version and item["resolved_at"] is None), None
        )

    def _resolved(self, incident_id: str) -> dict[str, Any] | None:
        incident = self._get(f"/api/v1/incidents/{incident_id}")
        return incident if incident["state"] == "resolved" else None

    def _count(self, version: int, start: datetime, end: datetime | None) -> int:
        """Images of a version that were begun in a range of time."""
        return sum(1 for _ in self._made(version, start, end))

    def _last_made(self, version: int) -> datetime:
        newest = self._get("/api/v1/generations", **self._asked_for(version), limit=1)["items"]
        return _moment(newest[0]["created_at"])

    def _made(self, version: int, start: datetime, end: datetime | None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = self._asked_for(version) | {"from": start.isoformat()}
        if end is not None:
            query["to"] = end.isoformat()
        before: str | None = None
        while True:
            page = self._get("/api/v1/generations", **query, limit=_PAGE, **({"before": before} if before else {}))
            found += [item for item in page["items"] if item["outcome"] == "served"]
            before = page["next"]
            if before is None:
                return found

    def _asked_for(self, version: int) -> dict[str, Any]:
        """What people were served by a version; its probes are none of that."""
        return {"generator": self._generator, "version": version, "arm": "stable"}

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        return _body(self._client.get(path, params=query))

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return _body(self._client.post(path, json=body))

    def _wait(self, look: Callable[[], Found | None], seconds: float, what: str) -> Found:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(_POLL_SECONDS)
        raise StoryFailed(f"waited {seconds:.0f} s in vain until {what}")


def _body(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise StoryFailed(
            f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
        )
    body: dict[str, Any] = response.json()
    return body


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

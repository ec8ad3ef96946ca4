"""The whole promise, played once against a running Safelight: regression, incident, webhook, rollback, recovery.

Everything is asked of the API as any client would; nothing looks inside.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from safelight.studio.receiver import Receiver
from safelight.studio.visitor import StoryFailed, Visitor, moment

_SERVE_WITHIN = 120.0


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
    """Plays against a Safelight whose generator serves a good version under traffic."""

    def __init__(self, visitor: Visitor, receiver: Receiver) -> None:
        """`visitor` carries an admin's key; `receiver` is told of incidents."""
        self._visitor = visitor
        self._receiver = receiver

    def play(self, version: int, *, detect_within: float, recover_within: float) -> Telling:
        """Promote a regressed version and see it through. Raises StoryFailed."""
        visitor = self._visitor
        good = visitor.serving()
        telling = Telling(version, good)
        flipped = self._promote(version)

        def since(at: datetime) -> float:
            return (at - flipped).total_seconds()

        incident = visitor.wait(lambda: visitor.incident(version), detect_within, "an incident opens")
        opened = moment(incident["opened_at"])
        telling.seconds["incident"] = since(opened)
        telling.generations_to_incident = visitor.count(version, flipped, opened)
        telling.reason = incident["reason"]
        event = self._receiver.wait_for("incident.opened", incident["id"], 30.0)
        if event is None:
            raise StoryFailed("the webhook that tells of the incident did not arrive, or its signature did not hold")
        telling.seconds["webhook"] = since(moment(event["timestamp"]))
        telling.summary = event["data"]["summary"]
        release = visitor.post(
            "/api/v1/releases/rollback",
            generator=visitor.generator,
            expected_serving=version,
            reason=f"incident {incident['id']}",
            incident_id=incident["id"],
        )
        if release["to_version"] != good:
            raise StoryFailed(f"the last known good version is {release['to_version']}, not {good}")
        back = moment(visitor.newest_entry()["at"])
        telling.seconds["rollback"] = since(back)
        resolved = visitor.wait(lambda: visitor.resolved(incident["id"]), recover_within, "recovery is confirmed")
        if resolved["resolution"] != "rolled_back":
            raise StoryFailed(f"the incident was resolved as {resolved['resolution']}")
        telling.seconds["recovered"] = since(moment(resolved["resolved_at"]))
        telling.bad_images = visitor.count(version, flipped)
        telling.flip_seconds = max(0.0, (visitor.last_made(version) - back).total_seconds())
        return telling

    def watch_quietly(self, version: int, generations: int, seconds: float) -> list[dict[str, Any]]:
        """Let `version` serve (promoted if it does not yet) until it has made that many images.

        Returns the incidents that opened meanwhile, whole. Raises StoryFailed when traffic is too slow.
        """
        visitor = self._visitor
        start = self._promote(version) if visitor.serving() != version else visitor.now()

        def enough() -> bool | None:
            return self._served(version, start) >= generations or None

        visitor.wait(enough, seconds, f"version {version} has made {generations} images")
        return visitor.incidents_since(start)

    def _promote(self, version: int) -> datetime:
        """When production flipped."""
        return self._visitor.wait_until_serving(self._visitor.promote(version, "looks good"), _SERVE_WITHIN)

    def _served(self, version: int, start: datetime) -> int:
        query = {"generator": self._visitor.generator, "from": start.isoformat()}
        series = self._visitor.get("/api/v1/series", **query)
        return sum(point["served"] for point in series["traffic"] if point["version"] == version)

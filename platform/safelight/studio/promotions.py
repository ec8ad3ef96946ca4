"""Versions that want to serve, and what becomes of them: by canary, past the gates, and under an armed guard.

Everything is asked of the API as any client would; nothing looks inside.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from safelight.studio.receiver import Receiver
from safelight.studio.visitor import StoryFailed, Visitor, moment, step_at

GUARD = "safelight"
"""Whom the ledger names for what was done without asking a person."""
_UNDER_WAY = ("requested", "preparing", "verifying", "canary", "paused", "flipping")
_SERVE_WITHIN = 120.0
_TOLD_WITHIN = 30.0


@dataclass(frozen=True)
class CanaryTelling:
    """How a canary went. `share` is the most of people's requests that it held, in percent."""

    version: int
    state: str
    share: int
    comparisons: int
    images: int
    seconds: float
    summary: str

    def lines(self) -> list[str]:
        """As a person reads it."""
        return [
            f"version {self.version} by canary: {self.state} after {self.seconds:.1f} s",
            f"share of the requests held   {self.share:4d} %",
            f"comparisons judged           {self.comparisons:4d}",
            f"images of it that people got {self.images:4d}",
            self.summary,
        ]


@dataclass(frozen=True)
class GuardTelling:
    """How the guard took a version back: seconds from the flip to the version, then from the verdict on."""

    version: int
    good_version: int
    to_verdict: float
    probed: float
    decided: float
    flipped: float
    last_bad: float
    bad_images: int
    actor: str
    summary: str

    @property
    def seconds(self) -> float:
        """From the verdict to the flipped route, the probes' time apart."""
        return self.flipped - self.probed

    def lines(self) -> list[str]:
        """As a person reads it."""
        return [
            f"version {self.version} taken back to version {self.good_version} by {self.actor}",
            f"served until the verdict    {self.to_verdict:8.1f} s",
            f"after the verdict: probed   {self.probed:8.1f} s",
            f"  the ledger's entry        {self.decided:8.2f} s",
            f"  route flipped everywhere  {self.flipped:8.2f} s",
            f"  last bad image begun      {self.last_bad:8.2f} s",
            f"verdict to flipped route, the probes' time apart: {self.seconds:.2f} s",
            f"images served by version {self.version}: {self.bad_images}",
            self.summary,
        ]


@dataclass(frozen=True)
class HeldTelling:
    """An alarm that the guard left to people, and why: seconds from its cause."""

    why: str
    opened: float
    paged: float
    summary: str
    findings: str

    def lines(self) -> list[str]:
        """As a person reads it."""
        return [
            f"incident opened   {self.opened:8.1f} s after the fault began",
            f"a person paged    {self.paged:8.1f} s",
            self.summary,
            self.findings,
        ]


class Promotions:
    """Plays against a Safelight whose generator serves a good version under traffic."""

    def __init__(self, visitor: Visitor, receiver: Receiver) -> None:
        """`visitor` carries an admin's key; `receiver` is told of incidents."""
        self.visitor = visitor
        self._receiver = receiver

    def see_through(self, release_id: str, seconds: float) -> CanaryTelling:
        """Watch a promote with a canary until it is called off, fails, or serves."""
        visitor = self.visitor

        def over() -> dict[str, Any] | None:
            found = visitor.release(release_id)
            return None if found["state"] in _UNDER_WAY else found

        ended = visitor.wait(over, seconds, "the canary has ended")
        if ended["state"] == "failed":
            raise StoryFailed(f"the promote failed: {ended['steps'][-1]['detail']}")
        began, canary = step_at(ended, "canary"), ended["canary"]
        held = next(moment(each["at"]) for each in ended["steps"] if each["step"] not in _UNDER_WAY)
        verdict, number = canary["verdict"], ended["to_version"]
        return CanaryTelling(
            version=number,
            state=ended["state"],
            share=canary["plan"]["steps"][canary["step"]]["weight"],
            comparisons=verdict["evidence"]["alignment"]["n"],
            images=visitor.count(number, began, arm="canary"),
            seconds=(held - began).total_seconds(),
            summary=verdict["summary"],
        )

    def gates(self, release_id: str) -> dict[str, str]:
        """What each gate said of a release."""
        return {each["gate"]: each["outcome"] for each in self.visitor.release(release_id)["gates"]}

    def arm(self, most_per_hour: int) -> None:
        """From now on the guard may roll back by itself."""
        self.visitor.put(f"/api/v1/policies/{self.visitor.generator}", mode="auto", most_per_hour=most_per_hour)

    def override(self, version: int, why: str, within: float) -> GuardTelling:
        """Promote a version past its gates, and watch the armed guard take it back. Nobody does anything else.

        Raises StoryFailed when the guard leaves it to people, or does not act in time.
        """
        visitor = self.visitor
        good = visitor.serving()
        release = visitor.promote(version, "it is wanted today", override=why)
        began = visitor.wait_until_serving(release, _SERVE_WITHIN)
        incident = visitor.wait(lambda: visitor.incident(version), within, "an incident opens")
        decision = self._decision(incident["id"], within)
        if decision["data"]["action"] != "roll_back":
            raise StoryFailed(f"the guard has not rolled back: {decision['message']}")
        release_id = decision["data"]["release_id"]

        def arrived() -> dict[str, Any] | None:
            found = visitor.release(release_id)
            return found if found["state"] == "serving" else None

        back = visitor.wait(arrived, _SERVE_WITHIN, "the rollback has arrived")
        ordered, judged = self._probes(incident["id"])
        return GuardTelling(
            version=version,
            good_version=good,
            to_verdict=(ordered - began).total_seconds(),
            probed=(judged - ordered).total_seconds(),
            decided=(step_at(back, "flipping") - ordered).total_seconds(),
            flipped=(step_at(back, "serving") - ordered).total_seconds(),
            last_bad=(visitor.last_made(version) - ordered).total_seconds(),
            bad_images=visitor.count(version, began),
            actor=visitor.newest_entry()["actor"],
            summary=decision["message"],
        )

    def accept(self, reason: str) -> None:
        """Call what serves good."""
        self.visitor.post("/api/v1/releases/accept", generator=self.visitor.generator, reason=reason)

    def wait_for_stored_outputs(self, version: int, within: float) -> None:
        """Until there is something that later probes of a version can be held against."""
        query = {"generator": self.visitor.generator, "version": version, "purpose": "baseline"}

        def stored() -> bool | None:
            runs = self.visitor.get("/api/v1/probes/runs", **query)["items"]
            return any(run["state"] == "judged" for run in runs) or None

        self.visitor.wait(stored, within, f"probes of version {version} are stored")

    def recover(self, within: float) -> str:
        """Wait until no incident is open; returns how the newest one ended."""
        newest = self.visitor.get("/api/v1/incidents", generator=self.visitor.generator, limit=1)["items"][0]
        resolved = self.visitor.wait(lambda: self.visitor.resolved(newest["id"]), within, "recovery is confirmed")
        resolution: str = resolved["resolution"]
        return resolution

    def hold(self, version: int, began: datetime, within: float) -> HeldTelling:
        """Watch the guard leave to people what is no fault of the version that serves, and page one."""
        visitor = self.visitor
        incident = visitor.wait(lambda: visitor.incident(version), within, "an incident opens")
        decision = self._decision(incident["id"], within)
        page = self._receiver.wait_for("incident.held", incident["id"], _TOLD_WITHIN)
        if page is None:
            raise StoryFailed(f"nobody was paged, and the guard says: {decision['message']}")
        return HeldTelling(
            why=decision["data"]["why"],
            opened=(moment(incident["opened_at"]) - began).total_seconds(),
            paged=(moment(page["timestamp"]) - began).total_seconds(),
            summary=page["data"]["summary"],
            findings=self._newest(incident["id"], "findings")["message"],
        )

    def _decision(self, incident_id: str, within: float) -> dict[str, Any]:
        """What the armed guard made of the probes."""

        def decided() -> dict[str, Any] | None:
            events = self._events(incident_id)
            found = [each["kind"] for each in events]
            return events[-1 - found[::-1].index("policy")] if {"findings", "policy"} <= set(found) else None

        return self.visitor.wait(decided, within, "the guard has decided")

    def _probes(self, incident_id: str) -> tuple[datetime, datetime]:
        """When the probes that confirmed an alarm were ordered, and when the last of them were judged."""
        runs = self._newest(incident_id, "findings")["data"]["runs"]
        judged = [moment(self.visitor.get(f"/api/v1/probes/runs/{each}")["judged_at"]) for each in runs]
        return moment(self._newest(incident_id, "probes")["at"]), max(judged)

    def _newest(self, incident_id: str, kind: str) -> dict[str, Any]:
        return next(each for each in reversed(self._events(incident_id)) if each["kind"] == kind)

    def _events(self, incident_id: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.visitor.get(f"/api/v1/incidents/{incident_id}")["events"]
        return events

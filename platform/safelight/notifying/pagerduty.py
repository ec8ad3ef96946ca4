"""PagerDuty: Events API v2.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import re
from datetime import datetime
from typing import Any

from safelight.notifying.addresses import Reach, check_url
from safelight.notifying.channel import Entered, invalid
from safelight.notifying.facts import Facts, short
from safelight.notifying.message import Destination, Message, compact
from safelight.notifying.sending import Request

DEFAULT_URL = "https://events.pagerduty.com/v2/enqueue"
_INTEGRATION_KEY = re.compile(r"[A-Za-z0-9]{32}")
_LONGEST_KEY = 255
_LONGEST_SUMMARY = 1024
_SEVERITIES = {"critical": "critical", "high": "error", "low": "warning"}
_ACTIONS = {"incident.acknowledged": "acknowledge", "incident.resolved": "resolve"}


class PagerDuty:
    """An incident is triggered, acknowledged and resolved there under one key: that of its cause."""

    refusals = frozenset({400})
    keeps_state = True

    def enter(self, url: str, secret: str, reach: Reach) -> Entered:
        url = url or DEFAULT_URL
        check_url(url, reach)
        if not _INTEGRATION_KEY.fullmatch(secret):
            raise invalid("A PagerDuty channel's secret is the 32 characters of an Events API v2 integration key.")
        return Entered(url, secret)

    def request(self, message: Message, to: Destination, now: datetime) -> Request:  # noqa: ARG002 - the Protocol's
        facts = Facts.read(message.data)
        event = _of_incident(message, facts, to) if facts else _note(message, to)
        return Request(to.url, compact({"routing_key": to.secrets[0], "client": "Safelight", **event}))


def _of_incident(message: Message, facts: Facts, to: Destination) -> dict[str, Any]:
    action = _ACTIONS.get(message.event, "trigger")
    event: dict[str, Any] = {"event_action": action, "dedup_key": facts.dedup_key[:_LONGEST_KEY]}
    if action != "trigger":
        return event
    target = f"version {facts.suggested_target}" if facts.suggested_target is not None else "no known good version"
    links = [
        (facts.incident, "Open the incident"),
        (facts.runbook, "Runbook"),
        (facts.rollback, f"Roll back to {target}"),
    ]
    return event | {
        "client_url": facts.incident,
        "links": [{"href": href, "text": text} for href, text in links if href],
        "images": _images(facts, to),
        "payload": {
            "summary": short(f"{facts.title}: {facts.summary}", _LONGEST_SUMMARY),
            "timestamp": facts.opened_at.isoformat(),
            "severity": _SEVERITIES.get(facts.severity, "critical"),
            "source": facts.generator,
            "component": facts.monitor,
            "class": facts.reason,
            "custom_details": {
                "since": facts.opened_at.isoformat(),
                "how sure": str(facts.certainty) if facts.certainty else "not a matter of statistics",
                "suspect release": facts.suspect or "none",
                "go back to": target,
                "worst images": ", ".join(facts.worst_images),
            },
        },
    }


def _images(facts: Facts, to: Destination) -> list[dict[str, str]]:
    """PagerDuty takes what is served by https only."""
    if to.thumbnail is None:
        return []
    sources = [to.thumbnail(each) for each in facts.worst_images]
    return [
        {"src": source, "href": facts.incident, "alt": f"The image ranked {rank} by how wrong it looks"}
        for rank, source in enumerate(sources, 1)
        if source.startswith("https://")
    ]


def _note(message: Message, to: Destination) -> dict[str, Any]:
    """It opens an incident there, of the lowest severity: whether that wakes somebody is what is being tried."""
    return {
        "event_action": "trigger",
        "dedup_key": f"{message.event}:{to.channel_id}",
        "payload": {"summary": str(message.data["message"]), "severity": "info", "source": "Safelight"},
    }

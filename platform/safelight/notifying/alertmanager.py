"""Alertmanager: API v2. Grouping, silences, inhibition and rotas are its own.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from datetime import datetime, timedelta
from typing import Any

from safelight.notifying.addresses import Reach, check_url
from safelight.notifying.channel import Entered, invalid, without_secret
from safelight.notifying.facts import Facts
from safelight.notifying.message import Destination, Message, compact
from safelight.notifying.sending import Request

_PATH = "/api/v2/alerts"
HELD_FOR = timedelta(hours=24)
"""An alert ends by itself when nobody has repeated it for so long."""
_TEST_HELD_FOR = timedelta(minutes=5)


class Alertmanager:
    """An incident is an alert from its beginning to its end, told by the same labels."""

    refusals = frozenset({400})
    keeps_state = True

    def enter(self, url: str, secret: str, reach: Reach) -> Entered:
        url = url.rstrip("/")
        check_url(url, reach)
        without_secret(secret, "Alertmanager knows none.")
        if url.endswith(_PATH):
            raise invalid(f"Give the address Alertmanager is reached at; {_PATH} is added here.")
        return Entered(url, "")

    def request(self, message: Message, to: Destination, now: datetime) -> Request:
        facts = Facts.read(message.data)
        alert = _of_incident(facts, now) if facts else _note(message, to, now)
        return Request(f"{to.url}{_PATH}", compact([alert]))


def _of_incident(facts: Facts, now: datetime) -> dict[str, Any]:
    said = {
        "title": facts.title,
        "summary": facts.summary,
        "state": facts.state,
        "how_sure": str(facts.certainty) if facts.certainty else None,
        "suspect": facts.suspect,
        "go_back_to": f"version {facts.suggested_target}" if facts.suggested_target is not None else None,
        "worst_images": " ".join(facts.thumbnails),
        "rollback": facts.rollback,
        "urgency": facts.severity,
        "runbook_url": facts.runbook,
    }
    return {
        # These are the alert's identity: nothing that changes while the incident lasts.
        "labels": {
            "alertname": "SafelightIncident",
            "severity": "critical",
            "generator": facts.generator,
            "monitor": facts.monitor,
            "reason": facts.reason,
            "incident_key": facts.dedup_key,
        },
        "annotations": {name: value for name, value in said.items() if value},
        "startsAt": facts.opened_at.isoformat(),
        "endsAt": (facts.resolved_at or now + HELD_FOR).isoformat(),
        "generatorURL": facts.incident,
    }


def _note(message: Message, to: Destination, now: datetime) -> dict[str, Any]:
    return {
        "labels": {"alertname": "SafelightTest", "severity": "info", "channel": str(to.channel_id)},
        "annotations": {"summary": str(message.data["message"])},
        "startsAt": message.created_at.isoformat(),
        "endsAt": (max(now, message.created_at) + _TEST_HELD_FOR).isoformat(),
    }

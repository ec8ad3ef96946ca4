"""Slack: an incoming webhook, told in blocks.

https://docs.slack.dev/reference/block-kit/blocks
"""

from datetime import datetime
from typing import Any

from safelight.notifying.addresses import Reach, check_url
from safelight.notifying.channel import Entered, origin, without_secret
from safelight.notifying.facts import Facts, short
from safelight.notifying.message import Destination, Message, compact
from safelight.notifying.sending import Request

_LONGEST_HEADER = 150
_LONGEST_TEXT = 3000
_LONGEST_FIELD = 2000
_WHAT = {
    "incident.opened": "Triggered",
    "incident.reopened": "Triggered again",
    "incident.severity": "Severity changed",
    "incident.held": "Needs a person",
    "incident.acknowledged": "Acknowledged",
    "incident.resolved": "Resolved",
}


class Slack:
    """The address of an incoming webhook is its secret: whoever has it may post."""

    refusals = frozenset({400, 403, 404})
    """`invalid_payload`, `action_prohibited` or `invalid_token`, `no_service` or `channel_not_found`."""
    keeps_state = False

    def enter(self, url: str, secret: str, reach: Reach) -> Entered:
        without_secret(secret, "A Slack channel has none but its address.")
        check_url(url, reach)
        return Entered(origin(url), url)

    def request(self, message: Message, to: Destination, now: datetime) -> Request:  # noqa: ARG002 - the Protocol's
        facts = Facts.read(message.data)
        if facts is None:
            return Request(to.secrets[0], compact({"text": _escaped(str(message.data["message"]))}))
        what = _WHAT.get(message.event, message.event)
        document = {
            "text": _escaped(short(f"{what}: {facts.title}", _LONGEST_TEXT)),
            "blocks": [*_said(what, facts), *_images(facts, to), _buttons(facts)],
        }
        return Request(to.secrets[0], compact(document))


def _said(what: str, facts: Facts) -> list[dict[str, Any]]:
    fields = {
        "Severity": facts.severity,
        "Since": f"{facts.opened_at:%Y-%m-%d %H:%M} UTC",
        "How sure": str(facts.certainty) if facts.certainty else None,
        "Suspect": facts.suspect,
        "Go back to": f"version {facts.suggested_target}" if facts.suggested_target is not None else None,
    }
    said = [f"*{name}*\n{_escaped(value)}" for name, value in fields.items() if value]
    return [
        {"type": "header", "text": _plain(short(f"{what}: {facts.title}", _LONGEST_HEADER))},
        {"type": "section", "text": _marked(short(_escaped(facts.summary or facts.title), _LONGEST_TEXT))},
        {"type": "section", "fields": [_marked(short(each, _LONGEST_FIELD)) for each in said]},
    ]


def _images(facts: Facts, to: Destination) -> list[dict[str, Any]]:
    if to.thumbnail is None or facts.resolved_at is not None:
        return []
    return [
        {
            "type": "image",
            "image_url": to.thumbnail(each),
            "alt_text": f"The image ranked {rank} by how wrong it looks",
        }
        for rank, each in enumerate(facts.worst_images, 1)
    ]


def _buttons(facts: Facts) -> dict[str, Any]:
    """They open a page, where a person confirms; nothing is done from Slack."""
    elements: list[dict[str, Any]] = [
        {"type": "button", "action_id": "incident", "text": _plain("Open the incident"), "url": facts.incident}
    ]
    if facts.runbook is not None and facts.resolved_at is None:
        runbook = {"type": "button", "action_id": "runbook", "text": _plain("Runbook"), "url": facts.runbook}
        elements.append(runbook)
    if facts.rollback is not None and facts.resolved_at is None:
        text = _plain(f"Roll back to version {facts.suggested_target}…")
        rollback = {"type": "button", "action_id": "rollback", "text": text, "url": facts.rollback, "style": "danger"}
        elements.append(rollback)
    return {"type": "actions", "elements": elements}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _marked(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _escaped(text: str) -> str:
    """The three characters that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

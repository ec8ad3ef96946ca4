"""A target behind a webhook: a signed order to serve a version, confirmed by its receiver.

Signed as the Standard Webhooks specification wants it; the message's id is the release's, so that a receiver can tell
an order repeated from a new one. It confirms by its answer, or later by a signed `POST /api/v1/targets/{id}/observed`.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from registry.external import ExternalManifest
from safelight.notifying.addresses import Reach
from safelight.notifying.message import Destination, Message, compact
from safelight.notifying.retry import error_of
from safelight.notifying.sending import Answer, ask
from safelight.notifying.webhook import SignedWebhook, new_secret
from safelight.releasing.targets.entering import check_address, invalid
from safelight.releasing.targets.target import Backend, Desired, Entered, Planned, Reply, Seen, Taken, Unheard
from safelight.store.targets import Access

EVENT = "release.desired"
_SIGNED = SignedWebhook()


class Confirmation(BaseModel):
    """What a receiver says it serves; more fields are its own."""

    model_config = ConfigDict(extra="ignore")

    version: int = Field(ge=1)
    detail: str = Field("", max_length=1_000)


class WebhookTarget:
    def enter(self, url: str, secret: str, resource: dict[str, str], reach: Reach) -> Entered:
        check_address(url, reach)
        if secret or resource:
            raise invalid("A webhook's secret is made here and shown once, and it has no resource to name.")
        return Entered(new_secret(), made_here=True)

    def plan(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Planned:  # noqa: ARG002 - the Protocol's
        return Planned("POST", to.target.url, "application/json", compact(_document(desired)).decode())

    def tell(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Reply:
        message = Message(desired.release.id, EVENT, desired.release.created_at, _data(desired))
        request = _SIGNED.request(message, Destination(to.target.id, to.target.url, to.secrets), now)
        answer = ask("POST", request, now, backend)
        if not isinstance(answer, Answer):
            return Unheard(answer.value)
        if error := error_of(answer.outcome):
            return Unheard(error)
        return _confirmed(answer.body)

    def look(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> None:  # noqa: ARG002 - the Protocol's
        return None


def _confirmed(body: bytes) -> Seen | Taken:
    """An answer without a confirmation is not a wrong one: it may follow later."""
    try:
        said = Confirmation.model_validate_json(body)
    except ValidationError:
        return Taken("it took the order and has not confirmed it yet")
    return Seen(said.version, said.detail or "by its answer")


def _document(desired: Desired) -> dict[str, Any]:
    return {"type": EVENT, "timestamp": desired.release.created_at.isoformat(), "data": _data(desired)}


def _data(desired: Desired) -> dict[str, Any]:
    release, version, manifest = desired.release, desired.version, desired.version.manifest
    external = manifest if isinstance(manifest, ExternalManifest) else None
    return {
        "release_id": str(release.id),
        "kind": release.kind.value,
        "generator": release.generator,
        "scope": release.scope,
        "from_version": release.from_version,
        "version": version.number,
        "digest": version.digest,
        "name": external.name if external else None,
        "uri": external.uri if external else None,
        "checkpoint": manifest.checkpoint,
        "actor": release.actor,
        "reason": release.reason,
    }

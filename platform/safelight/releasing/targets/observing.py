"""Taking what is said of a target: by its receiver, a person, or whoever looked at it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from safelight.errors import Kind, SafelightError
from safelight.store import access, releases, targets, versions
from safelight.store.database import Session
from safelight.store.targets import Access, KnownTarget, TargetKind


def signed_by_target(to: Access, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises `observation_unsigned` unless a webhook's receiver signed this just now, with a secret that is valid."""
    if to.target.kind is TargetKind.WEBHOOK and any(_signed(secret, body, headers) for secret in to.secrets):
        return
    raise SafelightError(
        Kind.UNAUTHENTICATED,
        "observation_unsigned",
        "The signature is not this target's, or is older than five minutes. Sign the body as its orders are signed.",
    )


def _signed(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):
        return False
    return True


def confirm(
    session: Session, target_id: UUID, release_id: UUID, version: int, detail: str, actor: str, now: datetime
) -> KnownTarget:
    """Note that a target serves a version. Said twice, it is noted once.

    Raises `target_not_found`, `version_not_found`; `observation_foreign` for a release of something else,
    `observation_late` for one that another has taken the place of.
    """
    target = targets.require(session, target_id)
    release = releases.find(session, release_id)
    if release is None or (release.generator, release.scope) != (target.generator, target.scope):
        raise SafelightError(
            Kind.CONFLICT,
            "observation_foreign",
            f"Release {release_id} is none of {target.generator} in the scope {target.scope}. "
            "Confirm with the id of the order that this target was sent.",
        )
    if target.release_id != release_id:
        raise SafelightError(
            Kind.CONFLICT,
            "observation_late",
            f"Release {release_id} is over: the target is asked to serve another one by now. Take its newest order.",
        )
    versions.require_version(session, target.generator, version)
    if not target.confirmed(release_id, version):
        said = f"{target.generator} {target.scope} serves {version}"
        access.record_audit(session, now, actor, "target.observed", str(target_id), f"{said}: {detail}")
    return targets.observe(session, target_id, release_id, version, detail, now)

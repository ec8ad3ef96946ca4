"""Replies full of images and prompts are kept as what they refer to: the log has these already, once."""

import base64
from typing import Any
from uuid import UUID

from safelight.api.finding import find, image_of
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform
from safelight.api.schemas.generations import MadeGeneration
from safelight.errors import Kind, SafelightError

_IDS, _WITH_IMAGES = "generations", "b64_json"


class MadeRoute(IdempotentRoute):
    """A route some of whose replies are the items just made. What was erased since is not told a second time."""

    def to_be_kept(self, body: dict[str, Any]) -> dict[str, Any]:
        items = body.get("items")
        if not isinstance(items, list):
            return body
        with_images = any(item.get("b64_json") is not None for item in items)
        return {_IDS: [item["id"] for item in items], _WITH_IMAGES: with_images}

    def restored(self, platform: Platform, kept: dict[str, Any]) -> dict[str, Any]:
        if _IDS not in kept:
            return kept
        made = [_made(platform, UUID(each), with_image=kept[_WITH_IMAGES]) for each in kept[_IDS]]
        return {"items": [each.model_dump(mode="json") for each in made]}


def _made(platform: Platform, generation_id: UUID, *, with_image: bool) -> MadeGeneration:
    try:
        found = find(platform, generation_id)
    except SafelightError as error:
        message = (
            f"Generation {generation_id} of this reply is not in the database: it is on its way there from another "
            "process, or was deleted since. Try again later, or send a fresh key to have new images made."
        )
        raise SafelightError(Kind.UNAVAILABLE, "reply_unavailable", message, retry_after=5) from error
    made = MadeGeneration.of(found.record, has_image=found.has_image)
    made.score = None  # as it was when the reply was given
    if with_image and found.has_image:
        made.b64_json = base64.b64encode(image_of(platform, found)).decode()
    return made

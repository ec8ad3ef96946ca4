"""Small images behind signed links: for whoever reads a message of ours and has no key."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from safelight.api.platform import PlatformDep
from safelight.errors import Kind, SafelightError, not_found
from safelight.notifying.links import opens
from safelight.recording.pixels import as_png, decode
from safelight.store import channels, generations

router = APIRouter(prefix="/api/v1/notifications/channels", tags=["notifications"])

_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}


@router.get("/{channel_id}/images/{generation_id}", response_class=Response, responses=_ANSWER)
def get_shared_image(
    platform: PlatformDep,
    channel_id: UUID,
    generation_id: Annotated[UUID, Path(description="One of the worst images that the channel was told of")],
    expires: Annotated[int, Query(description="Seconds since 1970")],
    signature: Annotated[str, Query(max_length=100)],
) -> Response:
    """The thumbnail that a link in a message leads to, for a week. Needs no key: the link is signed."""
    now = platform.clock.now()
    with platform.database.reading() as session:
        channel = channels.find_access(session, channel_id, now)
        if channel is None or not opens(channel.link_key, channel_id, generation_id, expires, signature, now):
            raise SafelightError(
                Kind.FORBIDDEN,
                "link_invalid",
                "This link is not one of ours, or it has expired. Open the incident on the dashboard.",
            )
        found = generations.find(session, generation_id)
    key = (found.thumbnail_key or found.image_key) if found else None
    if key is None:
        raise not_found("image", generation_id)
    try:
        kept = platform.images.read(key)
    except FileNotFoundError as error:
        raise not_found("image", generation_id) from error
    except OSError as error:
        message = "The image store does not answer. Try again later."
        raise SafelightError(Kind.UNAVAILABLE, "image_store_unavailable", message, retry_after=5) from error
    left = max(0, expires - int(now.timestamp()))
    # Slack shows no WebP, and refuses a message that leads to one.
    png = as_png(decode(kept), kept)
    return Response(png, media_type="image/png", headers={"Cache-Control": f"private, max-age={left}"})

"""`Idempotency-Key`: a POST that is sent twice under one key takes effect once, and is answered the same."""

import hashlib
import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from safelight.access import fingerprint
from safelight.api.auth import COOKIE, authenticate
from safelight.api.platform import Platform
from safelight.errors import Kind, SafelightError
from safelight.store import idempotency
from safelight.store.idempotency import Reply

HEADER = "idempotency-key"
_LONGEST_KEY = 255


class IdempotentRoute(APIRoute):
    """A route whose successful JSON replies are kept for a day under the caller's key.

    A request that was refused or failed leaves nothing behind, so the key may be used again. Every route of this kind
    needs a key or a session.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if request.method != "POST" or key is None:
                return await handle(request)
            return await self._once(request, key, handle)

        return handle_once

    def to_be_kept(self, body: dict[str, Any]) -> dict[str, Any]:
        """What is kept of a reply; `restored` makes it whole again."""
        return body

    def restored(self, platform: Platform, kept: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - for others to use
        """The reply that was kept. Blocks. Raises SafelightError where that cannot be made any more."""
        return kept

    async def _once(
        self, request: Request, key: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        if not 1 <= len(key) <= _LONGEST_KEY:
            raise SafelightError(
                Kind.INVALID, "idempotency_key_invalid", f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters."
            )
        platform: Platform = request.app.state.platform
        # A reply is kept for a day, and a key may be revoked at any time.
        await authenticate(request, platform)
        # Keys of two callers never meet: whoever holds another secret is another caller.
        actor = fingerprint(request.headers.get("authorization") or request.cookies.get(COOKIE, ""))
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        digest = hashlib.sha256(f"{address}\n".encode() + await request.body()).hexdigest()
        kept = await run_sync(_claim, platform, actor, key, digest)
        if kept is not None:
            return await run_sync(self._replay, platform, kept, digest)
        try:
            response = await handle(request)
        except BaseException:
            await run_sync(_release, platform, actor, key)
            raise
        body = _json_object(response)
        if response.status_code < HTTPStatus.BAD_REQUEST and body is not None:
            await run_sync(_keep, platform, actor, key, response.status_code, self.to_be_kept(body))
        else:
            await run_sync(_release, platform, actor, key)
        return response

    def _replay(self, platform: Platform, kept: Reply, digest: str) -> Response:
        if kept.request_hash != digest:
            raise SafelightError(
                Kind.INVALID,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Send a fresh key with a new request.",
            )
        if kept.status is None or kept.body is None:
            raise SafelightError(
                Kind.CONFLICT,
                "idempotency_in_progress",
                "The first request with this Idempotency-Key has not been answered. Look whether it took effect, "
                "then try again with a fresh key.",
            )
        return JSONResponse(
            self.restored(platform, kept.body), status_code=kept.status, headers={"Idempotency-Replayed": "true"}
        )


def _json_object(response: Response) -> dict[str, Any] | None:
    # A stream has no body to keep.
    content = getattr(response, "body", b"")
    if not content or not response.headers.get("content-type", "").startswith("application/json"):
        return None
    body = json.loads(bytes(content))
    return body if isinstance(body, dict) else None


def _claim(platform: Platform, actor: str, key: str, digest: str) -> Reply | None:
    with platform.database.transaction() as session:
        return idempotency.claim(session, actor, key, digest, platform.clock.now())


def _keep(platform: Platform, actor: str, key: str, status: int, body: dict[str, Any]) -> None:
    with platform.database.transaction() as session:
        idempotency.keep(session, actor, key, status, body)


def _release(platform: Platform, actor: str, key: str) -> None:
    with platform.database.transaction() as session:
        idempotency.release(session, actor, key)

"""From a request to a principal: a bearer key, or a browser session's cookie."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Request

from safelight.access import Permission, Principal
from safelight.api.platform import Platform, PlatformDep
from safelight.errors import Kind, SafelightError
from safelight.store import access

COOKIE = "safelight_session"
# A page of another site can make a browser send our cookie, but not this header.
PAGE_HEADER = "x-safelight"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def bearer(request: Request) -> str | None:
    """The key of the Authorization header."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def look_up(platform: Platform, key: str | None, cookie: str | None = None) -> Principal | None:
    """Whom a key or a session's cookie stands for."""
    with platform.database.reading() as session:
        if key is not None:
            return access.principal_of_key(session, key)
        if cookie is not None:
            return access.principal_of_session(session, cookie, platform.clock.now())
    return None


async def still_known(request: Request, platform: Platform) -> bool:
    """Whether whoever asked may still: of a request that is answered for hours, while its key may be revoked."""
    return await run_sync(look_up, platform, bearer(request), request.cookies.get(COOKIE)) is not None


def not_authenticated() -> SafelightError:
    return SafelightError(
        Kind.UNAUTHENTICATED,
        "not_authenticated",
        "This needs a valid key. Send it as 'Authorization: Bearer KEY', or log in on the dashboard; "
        "'safelight login' prints a fresh link.",
    )


async def authenticate(request: Request, platform: PlatformDep) -> Principal:
    """Who is asking. Raises `not_authenticated`; a cookie alone is not enough for a request that changes something."""
    key, cookie = bearer(request), request.cookies.get(COOKIE)
    principal = await run_sync(look_up, platform, key, cookie) if key or cookie else None
    if principal is None:
        raise not_authenticated()
    if key is None and request.method not in _SAFE_METHODS and PAGE_HEADER not in request.headers:
        raise SafelightError(
            Kind.FORBIDDEN,
            "page_header_missing",
            "A request that changes something with a session cookie needs the header 'X-Safelight: 1'.",
        )
    return principal


PrincipalDep = Annotated[Principal, Depends(authenticate)]


class Requires:
    """A dependency: the principal, if it holds any one of the permissions. Raises `not_allowed`."""

    def __init__(self, *any_of: Permission) -> None:
        self._any_of = any_of

    async def __call__(self, principal: PrincipalDep) -> Principal:
        return self.check(principal)

    def check(self, principal: Principal) -> Principal:
        """The principal. Raises `not_allowed`."""
        if not any(principal.may(permission) for permission in self._any_of):
            needed = " or ".join(self._any_of)
            raise SafelightError(
                Kind.FORBIDDEN,
                "not_allowed",
                f"A {principal.role} may not do this: it takes the permission to {needed}. Ask an admin for a key.",
            )
        return principal


Reader = Annotated[Principal, Depends(Requires(Permission.READ))]
Maker = Annotated[Principal, Depends(Requires(Permission.GENERATE))]
ReaderOrMaker = Annotated[Principal, Depends(Requires(Permission.READ, Permission.GENERATE))]
Operator = Annotated[Principal, Depends(Requires(Permission.OPERATE))]
Admin = Annotated[Principal, Depends(Requires(Permission.ADMINISTER))]

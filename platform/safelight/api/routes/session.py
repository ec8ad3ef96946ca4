"""Logging in and out of the dashboard."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from safelight.api.auth import COOKIE, PrincipalDep
from safelight.api.platform import PlatformDep
from safelight.api.schemas.access import Login, SessionInfo
from safelight.errors import Kind, SafelightError
from safelight.store import access

router = APIRouter(prefix="/api/v1/session", tags=["session"])


@router.get("")
def who(principal: PrincipalDep) -> SessionInfo:
    """Who is logged in."""
    return SessionInfo(name=principal.name, role=principal.role)


@router.post("")
def log_in(login: Login, response: Response, platform: PlatformDep) -> SessionInfo:
    """Open a session with a one-time link's token or an API key. The cookie cannot be read by scripts."""
    now = platform.clock.now()
    hours = platform.settings.api.session_hours
    with platform.database.transaction() as session:
        if login.token is not None:
            principal = access.use_login_link(session, login.token.get_secret_value(), now)
        elif login.key is not None:
            principal = access.principal_of_key(session, login.key.get_secret_value())
        else:
            principal = None
        if principal is None:
            raise SafelightError(
                Kind.UNAUTHENTICATED,
                "login_refused",
                "This link or key is not valid, has expired or was used before. 'safelight login' prints a fresh link.",
            )
        cookie = access.create_session(session, principal, now, hours)
        access.record_audit(session, now, principal.name, "session.open", principal.role)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(timedelta(hours=hours).total_seconds()),
        httponly=True,
        samesite="strict",
        secure=platform.settings.public_url.startswith("https:"),
    )
    return SessionInfo(name=principal.name, role=principal.role)


@router.delete("", status_code=204)
def log_out(request: Request, response: Response, platform: PlatformDep, _principal: PrincipalDep) -> None:
    """End this browser's session."""
    cookie = request.cookies.get(COOKIE)
    if cookie is not None:
        with platform.database.transaction() as session:
            access.end_session(session, cookie, platform.clock.now())
    response.delete_cookie(COOKIE)

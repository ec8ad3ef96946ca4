"""The dashboard's files, as Vite built them into `safelight/page`."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent.parent / "page"

_NOT_BUILT = """<!doctype html><title>Safelight</title>
<p>The dashboard has not been built. Run <code>make page</code>, then reload.</p>
<p>The API says at <a href="/openapi.json">/openapi.json</a> what there is.</p>
"""
# The page loads nothing from elsewhere; Mantine and ECharts set styles from scripts.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class _Assets(StaticFiles):
    """Vite puts a digest in every asset's name, so a browser may keep it for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: FastAPI, folder: Path = FOLDER) -> None:
    """Serve the page on every path that no route of the API claims."""
    if (folder / "assets").is_dir():
        app.mount("/assets", _Assets(directory=folder / "assets"), name="assets")

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str) -> Response:
        if path.startswith(("api/", "v1/", "assets/")):
            raise HTTPException(404, "There is nothing at this address. See /docs for what there is.")
        if not (folder / "index.html").is_file():
            return HTMLResponse(_NOT_BUILT, headers=_HEADERS)
        if path == "docs":
            return FileResponse(folder / "docs.html", headers=_HEADERS)
        wanted = _file(folder, path)
        return FileResponse(wanted) if wanted else FileResponse(folder / "index.html", headers=_HEADERS)


def _file(folder: Path, path: str) -> Path | None:
    """The file of the folder that a path names; None for a path of the page's own, which may be no name of a file."""
    try:
        wanted = (folder / path).resolve()
        return wanted if wanted.is_relative_to(folder.resolve()) and wanted.is_file() else None
    except (OSError, ValueError):  # too long, or with a NUL in it
        return None

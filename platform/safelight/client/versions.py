"""Telling which version a service serves: for its deployment, where an error is to be heard."""

from collections.abc import Mapping
from typing import Any

import httpx

_TIMEOUT = 30.0


class Refused(Exception):
    """Safelight said no. `code` never changes between releases; the text says what to do."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{detail} [{code}]")
        self.status = status
        self.code = code


class Versions:
    """Calls that wait for their answer. Each raises Refused, and httpx.TransportError where nobody answers."""

    def __init__(self, url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        """`key` is one of role `operator`."""
        self._url = url.rstrip("/") + "/api/v1"
        self._headers = {"authorization": f"Bearer {key}"}
        self._transport = transport

    def register_external(self, generator: str, name: str, **facts: Any) -> int:
        """The number of the version that your service calls `name`; told again, it is the same.

        `facts` are those of the manifest: uri, checkpoint (a sha256: digest), defaults, facts, description ...
        """
        manifest = {"name": name, **facts}
        made = self._post("/versions/external", {"generator": generator, "manifest": manifest})
        return int(made["number"])

    def promote(self, generator: str, version: int, reason: str = "") -> None:
        """Say that this version serves from now on. One that serves already is left alone."""
        try:
            self._post("/releases/promote", {"generator": generator, "version": version, "reason": reason})
        except Refused as refusal:
            if refusal.code != "already_serving":
                raise

    def _post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        with httpx.Client(timeout=_TIMEOUT, headers=self._headers, transport=self._transport) as client:
            answer = client.post(self._url + path, json=document)
        body = _object(answer)
        if not answer.is_success or not body:
            strange = f"{self._url} answers {answer.status_code}, and not as Safelight does. Is this its address?"
            raise Refused(answer.status_code, body.get("code", "unknown"), body.get("detail", strange))
        return body


def _object(answer: httpx.Response) -> dict[str, Any]:
    """Empty where it is no JSON object: of a proxy in between, say."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}

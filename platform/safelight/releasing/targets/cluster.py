"""One resource of a Kubernetes cluster: read and patched, and nothing else asked of the cluster.

https://kubernetes.io/docs/reference/using-api/api-concepts/ . The address is the API server's, the secret a bearer
token that may `get` and `patch` this one resource (docs/targets.md has the Role).
"""

import json
import re
import ssl
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from registry.external import ExternalManifest
from safelight.notifying.addresses import Reach
from safelight.notifying.message import compact
from safelight.notifying.retry import error_of
from safelight.notifying.sending import Answer, Request, ask
from safelight.releasing.targets.entering import check_address, invalid
from safelight.releasing.targets.target import Backend, Entered, Unheard
from safelight.store.targets import Access
from safelight.store.versions import KnownVersion

_CONFLICT = 409
_UNPROCESSABLE = 422
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""RFC 1123, which the names of resources follow; it goes into a path."""
_FIELDS = frozenset({"name", "uri", "checkpoint", "number", "digest"})


class Resource(BaseModel):
    """Which resource is patched. `value` says what goes into it: a template over what is known of a version."""

    model_config = ConfigDict(extra="forbid")

    namespace: str
    name: str
    value: str = Field(max_length=1_000)
    container: str = ""
    """Of a pod: whose image it is."""
    ca: str = Field("", max_length=100_000)
    """Certificates (PEM) that vouch for the cluster, where the usual ones do not."""


def entered(url: str, secret: str, resource: Resource, reach: Reach) -> Entered:
    """Raises `target_invalid`."""
    check_address(url, reach)
    if url.rstrip("/").count("/") != 2:
        raise invalid("Give the address of the cluster's API server alone: https://HOST:PORT.")
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise invalid("Give a bearer token that may get and patch the resource.")
    for name in (resource.namespace, resource.name, *([resource.container] if resource.container else [])):
        if not _NAME.fullmatch(name):
            raise invalid(f"{name!r} is no name of a resource: lower-case letters, digits, dashes and dots.")
    _check_template(resource.value)
    if resource.ca:
        _context(resource.ca)
    return Entered(secret)


def parse(resource: dict[str, Any], **defaults: str) -> Resource:
    """Raises `target_invalid`."""
    try:
        return Resource.model_validate(defaults | resource)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise invalid(f"The resource is not described: {wrong}.") from None


def value_of(template: str, version: KnownVersion) -> str | Unheard:
    """What goes into the resource for a version; not what the template asks for where nobody told it."""
    manifest = version.manifest
    external = manifest if isinstance(manifest, ExternalManifest) else None
    known = {
        "name": external.name if external else None,
        "uri": external.uri if external else None,
        "checkpoint": manifest.checkpoint,
        "number": str(version.number),
        "digest": version.digest,
    }
    missing = [name for name in _placeholders(template) if not known[name]]
    if missing:
        return Unheard(f"version {version.number} has no {' and no '.join(missing)}, which {template!r} asks for")
    return template.format(**known)


@dataclass(frozen=True)
class Cluster:
    """One resource as one exchange sees it."""

    path: str
    resource: Resource
    to: Access
    backend: Backend
    now: datetime

    @property
    def url(self) -> str:
        return f"{self.to.target.url.rstrip('/')}{self.path}"

    def read(self) -> dict[str, Any] | Unheard:
        return self._ask("GET", b"", "")

    def patch(self, content_type: str, body: Any) -> dict[str, Any] | Unheard:
        """The resource as it stands afterwards."""
        return self._ask("PATCH", compact(body), content_type)

    def _ask(self, method: str, body: bytes, content_type: str) -> dict[str, Any] | Unheard:
        headers = [("authorization", f"Bearer {self.to.secrets[0]}"), ("accept", "application/json")]
        if content_type:
            headers.append(("content-type", content_type))
        context = _context(self.resource.ca) if self.resource.ca else None
        answer = ask(method, Request(self.url, body, tuple(headers)), self.now, self.backend, context)
        if not isinstance(answer, Answer):
            return Unheard(answer.value)
        if answer.outcome.status in (_CONFLICT, _UNPROCESSABLE) and method == "PATCH":
            return Unheard(f"somebody else changed it meanwhile, or it is not what was expected{_reason(answer.body)}")
        if error := error_of(answer.outcome):
            return Unheard(f"{error}{_reason(answer.body)}")
        try:
            document = json.loads(answer.body)
        except ValueError:
            return Unheard("what answers there is no Kubernetes API")
        return document if isinstance(document, dict) else Unheard("what answers there is no Kubernetes API")


def within(document: Any, *path: str | int) -> Any:
    """What lies at a path; None where there is nothing."""
    for step in path:
        if isinstance(step, str):
            document = document.get(step) if isinstance(document, dict) else None
        else:
            document = document[step] if isinstance(document, list) and step < len(document) else None
    return document


def _reason(body: bytes) -> str:
    """What a `Status` object of the API says; nothing of anything else is repeated."""
    try:
        said = within(json.loads(body), "message")
    except ValueError:
        return ""
    return f": {said[:300]}" if isinstance(said, str) and said else ""


def _placeholders(template: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def _check_template(template: str) -> None:
    try:
        asked = list(string.Formatter().parse(template))
    except ValueError as error:
        raise invalid(f"{template!r} is no template: {error}.") from None
    names = [name for _, name, _, _ in asked if name is not None]
    odd = any(spec or conversion for _, name, spec, conversion in asked if name is not None)
    if not names or odd or not _FIELDS.issuperset(names):
        raise invalid(f"{template!r} has to name some of {', '.join(f'{{{each}}}' for each in sorted(_FIELDS))}.")


def _context(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError):
        raise invalid("The certificates (ca) are not PEM.") from None

"""A target that is a custom resource of a cluster: one field of it is exchanged, its own controller does the rest."""

from datetime import datetime
from typing import Any, Protocol

from safelight.notifying.addresses import Reach
from safelight.notifying.message import compact
from safelight.releasing.targets.cluster import Cluster, Resource, entered, parse, value_of
from safelight.releasing.targets.target import Backend, Desired, Entered, Planned, Reply, Seen, Taken, Unheard
from safelight.store.targets import Access


class Definition(Protocol):
    """What is particular of one kind of resource. Pure: documents in, patches and findings out."""

    @property
    def value(self) -> str:
        """What is put into the field where nobody says otherwise: a template over what is known of a version."""
        ...

    @property
    def content_type(self) -> str: ...

    def check(self, resource: Resource) -> None:
        """Raises `target_invalid`."""
        ...

    def path(self, resource: Resource) -> str: ...

    def standing(self, document: dict[str, Any], resource: Resource) -> str | Unheard:
        """What is in the field now."""
        ...

    def patch(self, document: dict[str, Any], resource: Resource, value: str) -> Any:
        """The patch that exchanges it, and fails whole where somebody else was quicker."""
        ...

    def waits_for(self, document: dict[str, Any]) -> str | None:
        """What is missing until the traffic goes to what is in the field; None where it does."""
        ...


class CustomResource:
    """The same conversation with every kind: read, compare, patch, and believe only the resource's status."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def enter(self, url: str, secret: str, resource: dict[str, str], reach: Reach) -> Entered:
        read = parse(resource, value=self._definition.value)
        self._definition.check(read)
        return entered(url, secret, read, reach)

    def plan(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Planned | Unheard:
        read = self._read(desired, to, backend, now)
        if isinstance(read, Unheard):
            return read
        cluster, document, value, stands = read
        if stands == value:
            return Planned("GET", cluster.url, "", "")
        patch = self._definition.patch(document, cluster.resource, value)
        return Planned("PATCH", cluster.url, self._definition.content_type, compact(patch).decode())

    def tell(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Reply:
        read = self._read(desired, to, backend, now)
        if isinstance(read, Unheard):
            return read
        cluster, document, value, stands = read
        if stands != value:
            patch = self._definition.patch(document, cluster.resource, value)
            patched = cluster.patch(self._definition.content_type, patch)
            if isinstance(patched, Unheard):
                return patched
            document = patched
        return self._seen(document, desired, value)

    def look(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Reply:
        read = self._read(desired, to, backend, now)
        if isinstance(read, Unheard):
            return read
        _, document, value, stands = read
        if stands != value:
            return Seen(None, f"somebody else has put {stands[:500]} there")
        return self._seen(document, desired, value)

    def _seen(self, document: dict[str, Any], desired: Desired, value: str) -> Reply:
        waits_for = self._definition.waits_for(document)
        return Seen(desired.version.number, f"ready with {value}") if waits_for is None else Taken(waits_for[:500])

    def _read(
        self, desired: Desired, to: Access, backend: Backend, now: datetime
    ) -> tuple[Cluster, dict[str, Any], str, str] | Unheard:
        """The resource, what has to be in its field, and what is."""
        resource = parse(to.target.resource, value=self._definition.value)
        cluster = Cluster(self._definition.path(resource), resource, to, backend, now)
        value = value_of(resource.value, desired.version)
        if isinstance(value, Unheard):
            return value
        document = cluster.read()
        if isinstance(document, Unheard):
            return document
        stands = self._definition.standing(document, resource)
        return stands if isinstance(stands, Unheard) else (cluster, document, value, stands)

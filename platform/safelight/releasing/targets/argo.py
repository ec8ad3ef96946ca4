"""A Rollout of Argo Rollouts: the image of one container.

https://argo-rollouts.readthedocs.io/en/stable/features/specification/ . A custom resource takes no strategic merge, and
a merge patch would replace the whole list of containers: so it is a JSON patch that tests what it is about to replace.
"""

from typing import Any

from safelight.releasing.targets.cluster import Resource, within
from safelight.releasing.targets.entering import invalid
from safelight.releasing.targets.target import Unheard

_CONTAINERS = ("spec", "template", "spec", "containers")


class Rollout:
    value = "{name}"
    content_type = "application/json-patch+json"  # RFC 6902

    def check(self, resource: Resource) -> None:
        if not resource.container:
            raise invalid("Name the container whose image is to be exchanged.")

    def path(self, resource: Resource) -> str:
        return f"/apis/argoproj.io/v1alpha1/namespaces/{resource.namespace}/rollouts/{resource.name}"

    def standing(self, document: dict[str, Any], resource: Resource) -> str | Unheard:
        image = within(document, *_CONTAINERS, _place(document, resource), "image")
        if not isinstance(image, str):
            return Unheard(f"the Rollout has no container {resource.container!r} of its own")
        return image

    def patch(self, document: dict[str, Any], resource: Resource, value: str) -> list[dict[str, str]]:
        place = _place(document, resource)
        at = f"/{'/'.join(_CONTAINERS)}/{place}"
        stands = within(document, *_CONTAINERS, place, "image")
        return [
            {"op": "test", "path": f"{at}/name", "value": resource.container},
            {"op": "test", "path": f"{at}/image", "value": stands},
            {"op": "replace", "path": f"{at}/image", "value": value},
        ]

    def waits_for(self, document: dict[str, Any]) -> str | None:
        status, generation = document.get("status"), within(document, "metadata", "generation")
        if within(status, "observedGeneration") != str(generation):  # a string, in this resource
            return "its controller has not seen the change yet"
        phase, message = within(status, "phase"), within(status, "message")
        if phase != "Healthy":
            return f"the Rollout is {str(phase).lower()}{f': {message}' if message else ''}"
        stable = within(status, "stableRS")
        fully = stable and stable == within(status, "currentPodHash")
        return None if fully else "the Rollout has not made the new pods its stable ones yet"


def _place(document: dict[str, Any], resource: Resource) -> int:
    """Of the container in the list; one past its end where there is none of that name."""
    containers = within(document, *_CONTAINERS)
    names = [within(each, "name") for each in containers] if isinstance(containers, list) else []
    return names.index(resource.container) if resource.container in names else len(names)

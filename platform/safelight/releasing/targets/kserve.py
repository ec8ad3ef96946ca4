"""An InferenceService of KServe: the place of its model.

https://kserve.github.io/website/docs/reference/crd-api , serving.kserve.io/v1beta1. A JSON merge patch of one field;
with the resource's version in it the API server refuses it when somebody else was quicker.
"""

from typing import Any

from safelight.releasing.targets.cluster import Resource, within
from safelight.releasing.targets.entering import invalid
from safelight.releasing.targets.target import Unheard


class InferenceService:
    value = "{uri}"
    content_type = "application/merge-patch+json"  # RFC 7386

    def check(self, resource: Resource) -> None:
        if resource.container:
            raise invalid("An InferenceService's model has no container to name.")

    def path(self, resource: Resource) -> str:
        return f"/apis/serving.kserve.io/v1beta1/namespaces/{resource.namespace}/inferenceservices/{resource.name}"

    def standing(self, document: dict[str, Any], resource: Resource) -> str | Unheard:  # noqa: ARG002 - the Protocol's
        uri = within(document, "spec", "predictor", "model", "storageUri")
        if not isinstance(uri, str):
            return Unheard("the InferenceService keeps its model elsewhere than in spec.predictor.model.storageUri")
        return uri

    def patch(self, document: dict[str, Any], resource: Resource, value: str) -> dict[str, Any]:  # noqa: ARG002 - the Protocol's
        at = within(document, "metadata", "resourceVersion")
        return {"metadata": {"resourceVersion": at}, "spec": {"predictor": {"model": {"storageUri": value}}}}

    def waits_for(self, document: dict[str, Any]) -> str | None:
        status = document.get("status")
        if within(status, "observedGeneration") != within(document, "metadata", "generation"):
            return "its controller has not seen the change yet"
        conditions = within(status, "conditions")
        ready = next((each for each in conditions or () if within(each, "type") == "Ready"), None)
        if within(ready, "status") != "True":
            said = within(status, "modelStatus", "lastFailureInfo", "message") or within(ready, "message")
            return f"the InferenceService is not ready{f': {said}' if said else ''}"
        transition = within(status, "modelStatus", "transitionStatus")
        if transition not in (None, "", "UpToDate"):
            return f"its model's transition is {transition}"
        predictor = within(status, "components", "predictor")
        # Revisions are Knative's: without it there are none, and readiness says it all.
        rolled_out, created = within(predictor, "latestRolledoutRevision"), within(predictor, "latestCreatedRevision")
        if created and rolled_out != created:
            return f"a part of the traffic still goes to {rolled_out or 'an earlier revision'}"
        return None

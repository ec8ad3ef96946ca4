"""A Rollout of Argo Rollouts and an InferenceService of KServe: the same conversation, over their own documents.

The documents have the fields of the real definitions (argoproj.io/v1alpha1 Rollout, serving.kserve.io/v1beta1
InferenceService), as their controllers write them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpcore
import pytest

from registry.external import parse_external
from registry.ledger import EntryKind
from registry.progress import State
from safelight.clock import SystemClock
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import GuardedBackend
from safelight.releasing.targets.kinds import KINDS
from safelight.releasing.targets.target import Desired, Planned, Seen, Taken, Unheard
from safelight.store.releases import KnownRelease
from safelight.store.targets import Access, KnownTarget, TargetKind
from safelight.store.versions import KnownVersion

from .api_server import JSON, MERGE, ApiServer, serving  # noqa: TID252

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = "a-token-of-this-test"
LOCAL = Reach(private=True)
OLD = {TargetKind.ARGO_ROLLOUTS: "registry.example/portraits:1", TargetKind.KSERVE: "s3://models/portraits/1"}
NEW = {TargetKind.ARGO_ROLLOUTS: "registry.example/portraits:2", TargetKind.KSERVE: "s3://models/portraits/2"}

ROLLOUT: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "portraits", "namespace": "images", "generation": 4, "resourceVersion": "1001"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "portraits"}},
        "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": "5m"}}]}},
        "template": {
            "metadata": {"labels": {"app": "portraits"}},
            "spec": {
                "containers": [
                    {"name": "sidecar", "image": "registry.example/envoy:3"},
                    {"name": "server", "image": OLD[TargetKind.ARGO_ROLLOUTS], "ports": [{"containerPort": 8080}]},
                ]
            },
        },
    },
    "status": {
        "observedGeneration": "4",
        "phase": "Healthy",
        "stableRS": "6d9f8c7b5",
        "currentPodHash": "6d9f8c7b5",
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "conditions": [
            {"type": "Healthy", "status": "True", "reason": "RolloutHealthy", "message": "Rollout is healthy"}
        ],
    },
}
SERVICE: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "portraits", "namespace": "images", "generation": 7, "resourceVersion": "2001"},
    "spec": {
        "predictor": {
            "minReplicas": 1,
            "model": {
                "modelFormat": {"name": "huggingface"},
                "runtime": "diffusion",
                "storageUri": OLD[TargetKind.KSERVE],
                "resources": {"limits": {"nvidia.com/gpu": "1"}},
            },
        }
    },
    "status": {
        "observedGeneration": 7,
        "url": "http://portraits.images.example.com",
        "conditions": [{"type": "PredictorReady", "status": "True"}, {"type": "Ready", "status": "True"}],
        "components": {
            "predictor": {
                "latestCreatedRevision": "portraits-predictor-00007",
                "latestReadyRevision": "portraits-predictor-00007",
                "latestRolledoutRevision": "portraits-predictor-00007",
            }
        },
        "modelStatus": {
            "transitionStatus": "UpToDate",
            "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
            "copies": {"failedCopies": 0, "totalCopies": 1},
        },
    },
}
PATHS = {
    TargetKind.ARGO_ROLLOUTS: "/apis/argoproj.io/v1alpha1/namespaces/images/rollouts/portraits",
    TargetKind.KSERVE: "/apis/serving.kserve.io/v1beta1/namespaces/images/inferenceservices/portraits",
}
RESOURCES = {
    TargetKind.ARGO_ROLLOUTS: {"namespace": "images", "name": "portraits", "container": "server",
                               "value": "registry.example/portraits:{name}"},
    TargetKind.KSERVE: {"namespace": "images", "name": "portraits"},
}  # fmt: skip


@dataclass
class Cluster:
    kind: TargetKind
    server: ApiServer
    token: str = TOKEN

    @property
    def path(self) -> str:
        return PATHS[self.kind]

    @property
    def document(self) -> dict[str, Any]:
        return self.server.resources[self.path]

    @property
    def standing(self) -> str:
        spec = self.document["spec"]
        if self.kind is TargetKind.KSERVE:
            return str(spec["predictor"]["model"]["storageUri"])
        return str(spec["template"]["spec"]["containers"][1]["image"])

    def arrive(self) -> None:
        """Its controller has seen the newest generation, and all traffic goes to it."""
        generation = self.document["metadata"]["generation"]
        if self.kind is TargetKind.ARGO_ROLLOUTS:
            self.server.change(
                self.path, observedGeneration=str(generation), phase="Healthy", stableRS="new", currentPodHash="new"
            )
        else:
            newest = {"latestCreatedRevision": "r8", "latestReadyRevision": "r8", "latestRolledoutRevision": "r8"}
            self.server.change(self.path, observedGeneration=generation, components={"predictor": newest})

    def put(self, value: str) -> None:
        """Somebody else's change."""
        spec = self.document["spec"]
        if self.kind is TargetKind.KSERVE:
            spec["predictor"]["model"]["storageUri"] = value
        else:
            spec["template"]["spec"]["containers"][1]["image"] = value
        self.document["metadata"]["generation"] += 1
        self.server.change(self.path)

    def tell(self, version: int = 2) -> Seen | Taken | Unheard:
        return KINDS[self.kind].tell(desired(version), self._to(), _backend, NOON)

    def look(self, version: int = 2) -> Seen | Taken | Unheard | None:
        return KINDS[self.kind].look(desired(version), self._to(), _backend, NOON)

    def plan(self, version: int = 2) -> Planned | Unheard:
        return KINDS[self.kind].plan(desired(version), self._to(), _backend, NOON)

    def _to(self) -> Access:
        known = KnownTarget(
            id=UUID(int=1), generator="portraits", scope="default", kind=self.kind, url=self.server.url,
            resource=RESOURCES[self.kind], created_at=NOON, created_by="ann", previous_secret_until=None,
            release_id=None, attempts=0, next_attempt_at=None, told_at=None, last_error="",
            observed_release_id=None, observed_version=None, observed_at=None, observed_detail="",
        )  # fmt: skip
        return Access(known, (self.token,))


def _backend() -> httpcore.NetworkBackend:
    return GuardedBackend(SystemClock(), 5.0, LOCAL)


def desired(version: int) -> Desired:
    told = parse_external({"name": str(version), "uri": f"s3://models/portraits/{version}"})
    known = KnownVersion("portraits", version, told.digest, told, "", NOON, "ann")
    release = KnownRelease(
        id=UUID(int=2), generator="portraits", scope="default", kind=EntryKind.PROMOTE, from_version=1,
        to_version=version, state=State.FLIPPING, actor="ann", reason="", incident_id=None, created_at=NOON,
        finished_at=None, ledger_seq=1,
    )  # fmt: skip
    return Desired(release, known)


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with serving(ApiServer(TOKEN, {})) as running:
        yield running


@pytest.fixture(params=[TargetKind.ARGO_ROLLOUTS, TargetKind.KSERVE])
def cluster(request: pytest.FixtureRequest, server: ApiServer) -> Cluster:
    fresh = {TargetKind.ARGO_ROLLOUTS: ROLLOUT, TargetKind.KSERVE: SERVICE}
    server.resources = {PATHS[kind]: json.loads(json.dumps(document)) for kind, document in fresh.items()}
    server.asked = []
    return Cluster(request.param, server)


def test_a_dry_run_is_the_exact_patch_and_changes_nothing(cluster: Cluster) -> None:
    planned = cluster.plan()
    assert isinstance(planned, Planned)
    assert (planned.method, planned.url) == ("PATCH", f"{cluster.server.url}{cluster.path}")
    assert (cluster.standing, cluster.server.asked) == (OLD[cluster.kind], [("GET", cluster.path)])
    assert TOKEN not in str(planned)
    body = json.loads(planned.body)
    if cluster.kind is TargetKind.KSERVE:
        assert planned.content_type == MERGE
        assert body == {
            "metadata": {"resourceVersion": "2001"},
            "spec": {"predictor": {"model": {"storageUri": NEW[cluster.kind]}}},
        }
    else:
        at = "/spec/template/spec/containers/1"
        assert planned.content_type == JSON
        assert body == [
            {"op": "test", "path": f"{at}/name", "value": "server"},
            {"op": "test", "path": f"{at}/image", "value": OLD[cluster.kind]},
            {"op": "replace", "path": f"{at}/image", "value": NEW[cluster.kind]},
        ]


def test_it_is_patched_in_one_field_and_believed_when_all_traffic_goes_there(cluster: Cluster) -> None:
    before = json.loads(json.dumps(cluster.document["spec"]))
    assert isinstance(cluster.tell(), Taken)  # the status it shows is still that of the version before
    assert cluster.standing == NEW[cluster.kind]
    cluster.arrive()
    assert cluster.tell() == Seen(2, f"ready with {NEW[cluster.kind]}")
    assert cluster.look() == Seen(2, f"ready with {NEW[cluster.kind]}")
    assert [method for method, _ in cluster.server.asked].count("PATCH") == 1
    cluster.put(OLD[cluster.kind])
    assert cluster.document["spec"] == before


def test_a_dry_run_of_what_is_there_already_is_a_look(cluster: Cluster) -> None:
    planned = cluster.plan(version=1)
    assert isinstance(planned, Planned)
    assert (planned.method, planned.body) == ("GET", "")


def test_whoever_was_quicker_wins_and_is_seen_by_the_next_attempt(cluster: Cluster) -> None:
    cluster.server.before_patch = lambda: cluster.put("somebody else's")
    refused = cluster.tell()
    assert isinstance(refused, Unheard)
    assert "somebody else changed it meanwhile" in refused.error
    assert cluster.standing == "somebody else's"
    assert isinstance(cluster.tell(), Taken)
    assert cluster.standing == NEW[cluster.kind]


def test_what_somebody_changed_after_it_served_is_seen_and_left_alone(cluster: Cluster) -> None:
    cluster.tell()
    cluster.arrive()
    cluster.put(OLD[cluster.kind])
    assert cluster.look() == Seen(None, f"somebody else has put {OLD[cluster.kind]} there")
    assert cluster.standing == OLD[cluster.kind]


def test_a_token_without_the_right_and_a_resource_that_is_not_there(cluster: Cluster) -> None:
    cluster.token = "another"
    assert cluster.tell() == Unheard("status 401: Unauthorized")
    cluster.token = TOKEN
    del cluster.server.resources[cluster.path]
    forbidden = cluster.tell()
    assert isinstance(forbidden, Unheard)
    assert forbidden.error.startswith("status 403: User")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"phase": "Paused", "message": "CanaryPauseStep"}, "the Rollout is paused: CanaryPauseStep"),
        ({"phase": "Degraded", "message": "ProgressDeadlineExceeded"}, "degraded: ProgressDeadlineExceeded"),
        ({"currentPodHash": "new"}, "has not made the new pods its stable ones"),
        ({"observedGeneration": "3"}, "has not seen the change"),
    ],
)
def test_a_rollout_serves_when_it_is_healthy_and_fully_promoted(
    server: ApiServer, changes: dict[str, str], said: str
) -> None:
    document = json.loads(json.dumps(ROLLOUT))
    document["status"] |= changes
    server.resources = {PATHS[TargetKind.ARGO_ROLLOUTS]: document}
    reply = Cluster(TargetKind.ARGO_ROLLOUTS, server).tell(version=1)
    assert isinstance(reply, Taken)
    assert said in reply.detail


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"observedGeneration": 6}, "has not seen the change"),
        ({"conditions": [{"type": "Ready", "status": "False", "message": "no GPU"}]}, "not ready: no GPU"),
        ({"modelStatus": {"transitionStatus": "BlockedByFailedLoad"}}, "transition is BlockedByFailedLoad"),
        (
            {"components": {"predictor": {"latestCreatedRevision": "r8", "latestRolledoutRevision": "r7"}}},
            "a part of the traffic still goes to r7",
        ),
    ],
)
def test_an_inference_service_serves_when_it_is_ready_and_all_traffic_is_on_its_newest_revision(
    server: ApiServer, changes: dict[str, Any], said: str
) -> None:
    document = json.loads(json.dumps(SERVICE))
    document["status"] |= changes
    server.resources = {PATHS[TargetKind.KSERVE]: document}
    reply = Cluster(TargetKind.KSERVE, server).tell(version=1)
    assert isinstance(reply, Taken)
    assert said in reply.detail


def test_without_knative_there_are_no_revisions_to_wait_for(server: ApiServer) -> None:
    document = json.loads(json.dumps(SERVICE))
    document["status"]["components"] = {"predictor": {"url": "http://portraits.images.example.com"}}
    server.resources = {PATHS[TargetKind.KSERVE]: document}
    assert isinstance(Cluster(TargetKind.KSERVE, server).tell(version=1), Seen)


def test_a_version_that_does_not_say_what_the_template_asks_for(cluster: Cluster) -> None:
    told = parse_external({"name": "2"})
    version = KnownVersion("portraits", 2, told.digest, told, "", NOON, "ann")
    RESOURCES[cluster.kind]["value"], kept = "{uri}", RESOURCES[cluster.kind].get("value", "{uri}")
    try:
        reply = KINDS[cluster.kind].tell(Desired(desired(2).release, version), cluster._to(), _backend, NOON)
    finally:
        RESOURCES[cluster.kind]["value"] = kept
    assert reply == Unheard("version 2 has no uri, which '{uri}' asks for")

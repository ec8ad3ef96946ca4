"""The kinds of targets there are."""

from collections.abc import Mapping
from types import MappingProxyType

from safelight.releasing.targets.argo import Rollout
from safelight.releasing.targets.custom_resource import CustomResource
from safelight.releasing.targets.kserve import InferenceService
from safelight.releasing.targets.target import Target
from safelight.releasing.targets.webhook import WebhookTarget
from safelight.store.targets import TargetKind

KINDS: Mapping[TargetKind, Target] = MappingProxyType(
    {
        TargetKind.WEBHOOK: WebhookTarget(),
        TargetKind.ARGO_ROLLOUTS: CustomResource(Rollout()),
        TargetKind.KSERVE: CustomResource(InferenceService()),
    }
)

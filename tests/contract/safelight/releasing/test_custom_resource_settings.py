"""What is said of a Rollout or an InferenceService to make it a target: what cannot be one is refused at once."""

import pytest

from safelight.errors import SafelightError
from safelight.notifying.addresses import PUBLIC
from safelight.releasing.targets.kinds import KINDS
from safelight.store.targets import TargetKind

TOKEN = "a-token-of-this-test"
RESOURCES = {
    TargetKind.ARGO_ROLLOUTS: {"namespace": "images", "name": "portraits", "container": "server",
                               "value": "registry.example/portraits:{name}"},
    TargetKind.KSERVE: {"namespace": "images", "name": "portraits"},
}  # fmt: skip


@pytest.mark.parametrize("kind", [TargetKind.ARGO_ROLLOUTS, TargetKind.KSERVE])
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "../secrets"},
        {"namespace": "kube-system/x"},
        {"value": "latest"},
        {"value": "{name"},
        {"value": "{name.__class__}"},
        {"value": "{name!r}"},
        {"value": "{0}"},
        {"ca": "no PEM"},
        {"color": "red"},
    ],
)
def test_what_cannot_be_a_target_is_refused_before_anything_is_asked(kind: TargetKind, wrong: dict[str, str]) -> None:
    assert KINDS[kind].enter("https://cluster.example.com:6443", TOKEN, RESOURCES[kind], PUBLIC).secret == TOKEN
    with pytest.raises(SafelightError) as refused:
        KINDS[kind].enter("https://cluster.example.com:6443", TOKEN, RESOURCES[kind] | wrong, PUBLIC)
    assert refused.value.code == "target_invalid"


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://10.0.0.1:6443", TOKEN),
        ("http://cluster.example.com:6443", TOKEN),
        ("https://cluster.example.com:6443", ""),
        ("https://cluster.example.com:6443", "two words"),
        ("https://cluster.example.com:6443/apis/apps/v1", TOKEN),
    ],
)
def test_so_is_an_address_out_of_reach_or_with_a_path_and_a_token_that_is_none(url: str, token: str) -> None:
    with pytest.raises(SafelightError) as refused:
        KINDS[TargetKind.KSERVE].enter(url, token, RESOURCES[TargetKind.KSERVE], PUBLIC)
    assert refused.value.code == "target_invalid"

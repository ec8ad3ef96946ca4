"""What is deployed on a cluster and what is removed from it, and how many replicas there are."""

import threading
from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from safelight.serving.cluster import Changes, ClusterHost, Deployment, changes, least_of, replicas_for
from safelight.serving.desired import Bundle
from safelight.serving.wants import Wanted
from safelight.settings import RaySettings

ONE, TWO = Bundle("sprites", 1), Bundle("sprites", 2)


def of(bundle: Bundle, settings: str = "new") -> Deployment:
    return Deployment(bundle, settings)


def test_what_is_wanted_is_deployed_once_and_what_is_not_goes() -> None:
    assert changes([of(ONE)], {}) == Changes((of(ONE),), frozenset())
    assert changes([of(ONE)], {of(ONE): False, of(TWO): True}) == Changes((), frozenset({of(TWO)}))


def test_new_settings_replace_a_deployment_only_once_it_has_started() -> None:
    before = {of(ONE, "old"): True}
    assert changes([of(ONE)], before) == Changes((of(ONE),), frozenset())
    assert changes([of(ONE)], before | {of(ONE): False}) == Changes((), frozenset())
    assert changes([of(ONE)], before | {of(ONE): True}) == Changes((), frozenset({of(ONE, "old")}))


@pytest.mark.parametrize(
    ("least", "unanswered", "number"), [(2, 0, 2), (2, 20, 2), (2, 21, 3), (1.5, 0, 2), (1, 101, 11)]
)
def test_there_are_as_many_replicas_as_the_load_takes(least: float, unanswered: float, number: int) -> None:
    assert replicas_for(least, unanswered, images_per_replica=10) == number


def test_what_waits_to_be_gone_back_to_has_fewer_replicas() -> None:
    settings = RaySettings(replicas=4, warm_replicas=2)
    wanted = Wanted(needed=[ONE], waiting=[TWO])
    assert [least_of(each, wanted, settings) for each in (ONE, TWO)] == [4, 2]


@pytest.mark.parametrize("wrong", [{"most_replicas": 1, "replicas": 2}, {"warm_replicas": 2}, {"gpus": 1.5}])
def test_settings_that_contradict_one_another_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        RaySettings.model_validate(wrong)


class FakeCluster:
    def __init__(self) -> None:
        self.replicas: dict[Deployment, int] = {}

    def deployed(self) -> Mapping[Deployment, bool]:
        return dict.fromkeys(self.replicas, True)

    def deploy(self, deployment: Deployment, replicas: int) -> None:
        self.replicas[deployment] = replicas

    def remove(self, deployment: Deployment) -> None:
        del self.replicas[deployment]


class Told:
    wanted = Wanted([ONE._replace(spare=True), ONE], [TWO])

    def look(self) -> Wanted:
        return self.wanted


def test_a_cluster_follows_what_is_wanted_of_it() -> None:
    cluster, told = FakeCluster(), Told()
    host = ClusterHost(cluster, told, RaySettings(replicas=3), "new")
    host.step()
    assert cluster.replicas == {of(ONE): 3, of(TWO): 1}, "a second engine beside the first is of a machine"
    told.wanted = Wanted([TWO], [])
    host.step()
    assert cluster.replicas == {of(TWO): 1}, "how many there are from then on is for the replicas to say"


def test_whatever_is_raised_it_looks_again() -> None:
    cluster, stop = FakeCluster(), threading.Event()

    class Told:
        looks = 0

        def look(self) -> Wanted:
            self.looks += 1
            if self.looks == 1:
                raise ValueError("nobody thought of this")
            stop.set()
            return Wanted([ONE], [])

    ClusterHost(cluster, Told(), RaySettings(replicas=1), "new").run(stop, poll_seconds=0.0)
    assert cluster.replicas == {of(ONE): 1}

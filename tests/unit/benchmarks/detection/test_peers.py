"""Peers run in processes of their own, and every cap they hit is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.detection import batch
from benchmarks.detection.capped import Answer, Peer, Unanswered, peer
from benchmarks.detection.streams import PER_HOUR

METHOD = "exact MMD"


def rows(path: Path, n: int, *, shift: float = 0.0, dimensions: int = 8) -> Path:
    np.save(path, np.random.default_rng(n).normal(shift, 1.0, (n, dimensions)).astype(np.float32))
    return path


def test_a_peer_answers_and_hits_its_memory_cap_by_name(tmp_path: Path) -> None:
    reference, alike = rows(tmp_path / "reference.npy", 300), rows(tmp_path / "alike.npy", 200)
    shifted, huge = rows(tmp_path / "shifted.npy", 201, shift=1.0), rows(tmp_path / "huge.npy", 100_000, dimensions=1)
    with peer(METHOD) as asked:
        same, other = (asked.ask(reference, each) for each in (alike, shifted))
        refused = asked.ask(huge, huge)
        afterwards = asked.ask(reference, alike)
    assert isinstance(same, Answer)
    assert isinstance(other, Answer)
    assert other.score == pytest.approx(-1 / 720)
    assert same.score < -0.01
    assert other.seconds > 0
    assert isinstance(refused, Unanswered)
    assert "GiB" in refused.why
    assert "capped at 8 GB" in refused.why
    assert isinstance(afterwards, Answer)


def test_a_peer_over_its_time_is_ended(tmp_path: Path) -> None:
    large = rows(tmp_path / "large.npy", 6000)
    with peer(METHOD, seconds=0.2) as asked:
        assert asked.ask(large, large) == Unanswered("over 0.2 s")
        assert asked.ask(large, large) == Unanswered("over 0.2 s")


def test_a_process_that_cannot_start_is_told(tmp_path: Path) -> None:
    with peer("a method nobody knows") as asked:
        answer = asked.ask(rows(tmp_path / "a.npy", 10), rows(tmp_path / "b.npy", 10))
    assert isinstance(answer, Unanswered)
    assert "status 1" in answer.why


def test_streams_wrap_around_the_hours() -> None:
    delays = batch.delays_of(np.array([False, True, False, False]))
    assert (delays / PER_HOUR).tolist() == [2, 1, 4, 3]
    assert np.isinf(batch.delays_of(np.zeros(3, np.bool_))).all()


def test_a_permutation_test_alarms_at_its_least_p_value(tmp_path: Path) -> None:
    reference, shifted = rows(tmp_path / "reference.npy", 300), rows(tmp_path / "shifted.npy", 201, shift=1.0)
    alike = rows(tmp_path / "alike.npy", 200)
    with peer(METHOD) as asked:
        detector = batch.Batch(asked, reference, batch.LEAST_P_VALUE)
        found = detector.delays([alike, shifted])
    assert not isinstance(found, Unanswered)
    assert found.tolist() == [2 * PER_HOUR, PER_HOUR]


class Scripted(Peer):
    """Answers with the number in the file's name."""

    def __init__(self) -> None:
        """Without a process."""

    def ask(self, reference: Path, current: Path) -> Answer | Unanswered:
        return Answer(float(current.stem), seconds=0.0)


def test_a_threshold_lies_where_one_healthy_hour_in_720_would() -> None:
    healthy = [Path(f"{score}.npy") for score in (8, 9, 10, 11, 12)]
    detector = batch.calibrated(Scripted(), Path("reference.npy"), healthy)
    assert isinstance(detector, batch.Batch)
    assert detector.threshold == pytest.approx(10.0 + 2.9913 * np.sqrt(2.5), abs=1e-3)
    found = detector.delays([*healthy, Path("15.npy")])
    assert not isinstance(found, Unanswered)
    assert found[0] == len(healthy) * PER_HOUR + PER_HOUR

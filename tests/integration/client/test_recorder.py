"""The sidecar in front of a Safelight that is down, slow, cross, and back again."""

import base64
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from safelight.client import Dropped, Recorder
from tests.integration.client.conftest import Moody

PATIENCE = 60.0


@pytest.fixture
def recorder(moody: Moody) -> Iterator[Recorder]:
    made = Recorder(moody.url, "a key", generator="portraits", version=1, replica="gpu-1", flush_seconds=0.1)
    yield made
    made.close()


def prompts(moody: Moody) -> list[str]:
    return [record["prompt"] for record in moody.taken]


def test_all_that_is_told_arrives_in_order_and_says_who_it_is_of(moody: Moody, recorder: Recorder) -> None:
    ids = [recorder.record(prompt=f"prompt {n}", image=b"png", seed=n, tenant="t") for n in range(1200)]
    assert recorder.flush(PATIENCE)
    assert [record["id"] for record in moody.taken] == [str(each) for each in ids]
    first = moody.taken[0]
    assert (first["generator"], first["version"], first["replica"], first["seed"], first["tenant"]) == (
        "portraits",
        1,
        "gpu-1",
        0,
        "t",
    )
    assert base64.b64decode(first["image"]) == b"png"
    assert moody.keys == {"Bearer a key"}
    status = recorder.status()
    assert (status.waiting, status.sent, status.dropped, status.failing) == (0, 1200, {}, None)


@pytest.mark.parametrize("mood", [401, 403, 404, 429, 500, 503, "torn"])
def test_what_passes_is_waited_for(moody: Moody, recorder: Recorder, mood: int | str) -> None:
    moody.mood = mood
    for n in range(10):
        assert recorder.record(prompt=str(n), image=b"png") is not None
    assert not recorder.flush(0.3)
    assert recorder.status().waiting == 10
    assert recorder.status().failing is not None
    moody.mood = "well"
    assert recorder.flush(PATIENCE)
    assert prompts(moody) == [str(n) for n in range(10)]
    assert recorder.status().failing is None


def test_nobody_there_is_waited_for(moody: Moody, recorder: Recorder) -> None:
    moody.stop()
    for n in range(10):
        recorder.record(prompt=str(n), image=b"png")
    assert not recorder.flush(0.3)
    moody.start()
    assert recorder.flush(PATIENCE)
    assert prompts(moody) == [str(n) for n in range(10)]


def test_a_slow_one_holds_nobody_up(moody: Moody, recorder: Recorder) -> None:
    moody.mood = "slow"
    for n in range(2000):
        recorder.record(prompt=str(n), image=b"png")
    assert recorder.status().waiting == 2000  # all of them are in, and not one request has been answered
    moody.over.set()
    moody.mood = "well"
    assert recorder.flush(PATIENCE)
    assert len(moody.taken) == 2000


def test_a_batch_that_is_too_large_is_halved_until_it_fits(moody: Moody, recorder: Recorder) -> None:
    moody.most_lines = 30
    for n in range(100):
        recorder.record(prompt=str(n), image=b"png")
    assert recorder.flush(PATIENCE)
    assert sorted(map(int, prompts(moody))) == list(range(100))


def test_one_that_is_too_large_alone_is_let_go_and_counted(moody: Moody, recorder: Recorder) -> None:
    moody.mood = 413
    recorder.record(prompt="large", image=b"png")
    assert recorder.flush(PATIENCE)
    assert recorder.status().dropped == {Dropped.TOO_LARGE: 1}


def test_a_line_that_is_refused_is_counted_and_the_others_are_taken(moody: Moody, recorder: Recorder) -> None:
    for prompt in ("one", "refused", "two"):
        recorder.record(prompt=prompt, image=b"png")
    assert recorder.flush(PATIENCE)
    assert prompts(moody) == ["one", "two"]
    assert (recorder.status().sent, recorder.status().dropped) == (2, {Dropped.REFUSED: 1})


def test_memory_has_a_bound_and_the_oldest_go(moody: Moody) -> None:
    moody.stop()
    recorder = Recorder(moody.url, "key", generator="portraits", version=1, most=50, flush_seconds=0.0)
    for n in range(200):
        recorder.record(prompt=str(n), image=b"png")
    status = recorder.status()
    assert status.waiting <= 50 + 50  # those that are being sent are not in the buffer
    assert status.waiting + sum(status.dropped.values()) == 200
    moody.start()
    assert recorder.flush(PATIENCE)
    assert prompts(moody)[-50:] == [str(n) for n in range(150, 200)]
    recorder.close()


def test_a_safelight_that_is_cross_is_not_besieged(moody: Moody, recorder: Recorder) -> None:
    moody.mood = 429
    recorder.record(prompt="one", image=b"png")
    assert not recorder.flush(1.2)
    assert 2 <= moody.asked <= 8


def test_it_begins_again_after_whatever_ended_it(
    moody: Moody, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpx, "Client", _failing_once(OSError("too many open files"), httpx.Client))
    recorder.record(prompt="one", image=b"png")
    assert recorder.flush(PATIENCE)
    assert prompts(moody) == ["one"]
    assert recorder.status().failing is None


def test_without_a_thread_records_wait_for_the_next_one(
    moody: Moody, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", _failing_once(RuntimeError("can't start"), threading.Thread.start))
    assert recorder.record(prompt="one", image=b"png") is not None
    assert (recorder.status().waiting, recorder.status().failing) == (1, "can't start")
    recorder.record(prompt="two", image=b"png")
    assert recorder.flush(PATIENCE)
    assert prompts(moody) == ["one", "two"]
    assert recorder.status().dropped == {}


def _failing_once(error: Exception, whole: Callable[..., Any]) -> Callable[..., Any]:
    errors = [error]

    def called(*given: Any, **named: Any) -> Any:
        if errors:
            raise errors.pop()
        return whole(*given, **named)

    return called


class Hostile:
    """A value whose every use fails."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize(
    "told",
    [
        {"prompt": None},
        {"prompt": 7},
        {"prompt": Hostile()},
        {"prompt": "x", "image": "not bytes"},
        {"prompt": "x", "parameters": 7},
        {"prompt": "x", "parameters": {"a": Hostile()}},
        {"prompt": "x", "total_ms": float("nan")},
    ],
)
def test_nothing_that_is_told_raises(moody: Moody, recorder: Recorder, told: dict[str, Any]) -> None:
    recorder.record(**told)
    recorder.record(prompt="fine", image=b"png")
    assert recorder.flush(PATIENCE)
    assert prompts(moody) == ["fine"]
    assert recorder.status().dropped == {Dropped.INVALID: 1}


def test_many_threads_tell_at_once(moody: Moody, recorder: Recorder) -> None:
    def tell(worker: int) -> None:
        for n in range(200):
            recorder.record(prompt=f"{worker} {n}", image=b"png")

    workers = [threading.Thread(target=tell, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert recorder.flush(PATIENCE)
    assert len(set(prompts(moody))) == 1600


Run = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(moody: Moody) -> Run:
    def script(text: str) -> subprocess.CompletedProcess[str]:
        begin = "import os, sys\nfrom safelight.client import Recorder\n"
        begin += f"recorder = Recorder({moody.url!r}, 'key', generator='portraits', version=1, flush_seconds=30)\n"
        return subprocess.run(
            [sys.executable, "-c", begin + textwrap.dedent(text)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return script


TELL = "for n in range(300): recorder.record(prompt=str(n), image=b'png')\n"


def test_what_waits_at_the_end_of_the_process_is_sent(moody: Moody, run: Run) -> None:
    done = run(TELL)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(moody.taken) == 300


def test_an_end_with_nobody_there_is_soon_and_said(moody: Moody, run: Run) -> None:
    moody.stop()
    done = run("recorder._flush_seconds = 0.5\n" + TELL)
    assert done.returncode == 0
    assert "300 generations were not told to Safelight" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_thread_imports_nothing(moody: Moody, run: Run) -> None:
    """A fork meanwhile would leave the child waiting for that import for ever."""
    done = run(
        """
        import sys

        before = set(sys.modules)
        recorder.record(prompt="a fox", image=b"png")
        recorder.flush(10.0)
        assert sys.modules.keys() == before, sys.modules.keys() - before
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert prompts(moody) == ["a fox"]


def test_a_forked_child_has_a_recorder_of_its_own(moody: Moody, run: Run) -> None:
    done = run(
        """
        recorder.record(prompt="parent", image=b"png")
        if os.fork() == 0:
            recorder.record(prompt="child", image=b"png")
            recorder.close()
            os._exit(0)
        os.wait()
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(prompts(moody)) == ["child", "parent"]


def test_nothing_in_a_forked_child_waits_for_what_is_the_parents(moody: Moody, run: Run) -> None:
    moody.mood = "slow"
    done = run(
        """
        recorder.record(prompt="parent", image=b"png")
        recorder._buffer._lock.acquire()  # as a thread does that has no part in the child
        if os.fork() == 0:
            assert recorder.status().waiting == 0
            assert recorder.flush(20.0)
            assert recorder.record(prompt=None, image=b"png") is None
            os._exit(0)
        status = os.wait()[1]
        os._exit(os.waitstatus_to_exitcode(status))
        """
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_forked_while_the_sender_gets_ready_is_not_kept_from_getting_ready_itself(
    moody: Moody, run: Run
) -> None:
    done = run(
        """
        import threading, time
        import httpx

        begun, lock, ready = threading.Event(), threading.Lock(), httpx.Client.__init__

        def slowly(*given, **named):
            with lock:  # such as that of an import
                begun.set()
                time.sleep(0.2)
                ready(*given, **named)

        httpx.Client.__init__ = slowly
        recorder.record(prompt="parent", image=b"png")
        begun.wait()
        if os.fork() == 0:
            recorder.record(prompt="child", image=b"png")
            recorder.close()
            os._exit(0)
        os.wait()
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(prompts(moody)) == ["child", "parent"]

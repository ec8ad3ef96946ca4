"""Where versions wait: as near to the device as there is room, the likeliest first."""

from hypothesis import given
from hypothesis import strategies as st

from safelight.serving.desired import Bundle
from safelight.serving.residency import PROCESS_BYTES, Room, Size, settle, taken
from safelight.store.residency import Residency

A, B, C = (Bundle("g", number) for number in (1, 2, 3))
WEIGHTS = Size(host=2, device=10)


def places(sizes: dict[Bundle, Size], room: Room, *waiting: Bundle) -> list[Residency]:
    return [bundle.residency for bundle in settle(waiting, sizes, room)[0]]


def test_the_likeliest_is_nearest() -> None:
    sizes = {A: WEIGHTS, B: WEIGHTS, C: WEIGHTS}
    room = Room(host=14, device=15)
    assert places(sizes, room, A, B, C) == [Residency.DEVICE, Residency.HOST, Residency.DISK]


def test_one_that_does_not_fit_leaves_its_room_to_the_next() -> None:
    sizes = {A: Size(2, 100), B: WEIGHTS}
    assert places(sizes, Room(host=20, device=15), A, B) == [Residency.DISK, Residency.DEVICE]


def test_without_a_gpu_there_is_one_memory() -> None:
    sizes = {A: Size(10, 0), B: Size(10, 0)}
    assert places(sizes, Room(host=15, device=None), A, B) == [Residency.DEVICE, Residency.DISK]


def test_one_of_unknown_size_waits_on_the_disk() -> None:
    assert places({}, Room(host=100, device=100), A) == [Residency.DISK]


def test_a_guess_from_files_is_of_the_memory_that_the_weights_will_lie_in() -> None:
    assert Size.of_files(7, gpu=True) == Size(PROCESS_BYTES, 7)
    assert Size.of_files(7, gpu=False) == Size(PROCESS_BYTES + 7, 0)


def test_what_a_bundle_takes_depends_on_where_it_is() -> None:
    sizes = {A: WEIGHTS}
    assert taken(A, sizes) == WEIGHTS
    assert taken(A._replace(residency=Residency.HOST), sizes) == Size(12, 0)
    assert taken(A._replace(residency=Residency.DISK), sizes) == taken(B, sizes) == Size(0, 0)


SIZES = st.builds(Size, st.integers(1, 20), st.integers(0, 20))


@given(st.lists(SIZES, max_size=6), st.integers(-5, 60), st.none() | st.integers(-5, 60))
def test_never_more_is_taken_than_there_is(each: list[Size], host: int, device: int | None) -> None:
    waiting = [Bundle("g", number) for number in range(len(each))]
    sizes = dict(zip(waiting, each, strict=True))
    settled, _left = settle(waiting, sizes, Room(host, device))
    assert [bundle.on_device for bundle in settled] == waiting
    used = [taken(bundle, sizes) for bundle in settled]
    assert sum(size.host for size in used) <= max(host, 0)
    assert sum(size.device for size in used) <= max(device or 0, 0)


@given(st.lists(SIZES, max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_loaded_as_it_was_decided_it_is_decided_the_same_again(each: list[Size], host: int, device: int) -> None:
    """What is there gives its own room back: no version goes to and fro."""
    waiting = [Bundle("g", number) for number in range(len(each))]
    sizes = dict(zip(waiting, each, strict=True))
    first, _left = settle(waiting, sizes, Room(host, device))
    left = Room(host, device)
    for bundle in first:
        left = left.without(taken(bundle, sizes))
    for bundle in first:
        left = left.with_back(taken(bundle, sizes))
    assert settle(waiting, sizes, left)[0] == first

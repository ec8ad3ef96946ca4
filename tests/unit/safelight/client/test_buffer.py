"""The buffer never grows beyond its bounds, and every record that came in has one end."""

from hypothesis import given
from hypothesis import strategies as st

from safelight.client.buffer import Buffer, Dropped, Record
from safelight.ids import new_id


def record(size: int = 10) -> Record:
    return Record(new_id(), {}, None, size)


def test_the_oldest_make_room() -> None:
    buffer = Buffer(2, 1000)
    made = [record() for _ in range(3)]
    for each in made:
        buffer.put(each)
    assert buffer.take(10, 1000) == made[1:]
    assert buffer.counts == (2, 0, 0, {Dropped.FULL: 1})


def test_bytes_count_too() -> None:
    buffer = Buffer(10, 25)
    for _ in range(3):
        buffer.put(record(10))
    assert buffer.counts == (2, 20, 0, {Dropped.FULL: 1})


def test_one_that_is_larger_than_all_the_room_is_let_go_at_once() -> None:
    buffer = Buffer(10, 25)
    buffer.put(record(26))
    assert buffer.counts == (0, 0, 0, {Dropped.FULL: 1})


def test_a_batch_keeps_to_its_bytes_and_holds_one_at_least() -> None:
    buffer = Buffer(10, 1000)
    made = [record(60), record(30), record(30)]
    for each in made:
        buffer.put(each)
    assert buffer.take(10, 50) == made[:1]
    assert buffer.take(10, 50) == made[1:2]


def test_what_is_put_back_goes_first_again() -> None:
    buffer = Buffer(10, 1000)
    made = [record() for _ in range(4)]
    for each in made:
        buffer.put(each)
    buffer.put_back(buffer.take(2, 1000))
    assert buffer.take(10, 1000) == made


def test_what_is_put_back_makes_room_for_what_came_meanwhile() -> None:
    buffer = Buffer(2, 1000)
    old, new = [record(), record()], [record(), record()]
    for each in old:
        buffer.put(each)
    taken = buffer.take(2, 1000)
    for each in new:
        buffer.put(each)
    buffer.put_back(taken)
    assert buffer.counts == (2, 20, 0, {Dropped.FULL: 2})
    assert buffer.take(10, 1000) == new


def test_after_the_end_nothing_is_kept() -> None:
    buffer = Buffer(10, 1000)
    for _ in range(3):
        buffer.put(record())
    taken = buffer.take(1, 1000)
    buffer.close()
    buffer.put_back(taken)
    buffer.put(record())
    assert buffer.counts == (0, 0, 0, {Dropped.UNSENT: 4})


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 60)),
        st.tuples(st.sampled_from(["take", "sent", "drop", "back"]), st.integers(1, 4)),
    ),
    max_size=60,
)


@given(STEPS)
def test_every_record_has_one_end_and_memory_has_a_bound(steps: list[tuple[str, int]]) -> None:
    buffer = Buffer(5, 100)
    taken: list[Record] = []
    came = 0
    for what, n in steps:
        match what:
            case "put":
                buffer.put(record(n))
                came += 1
            case "take":
                taken += buffer.take(n, 50)
            case _:
                some, taken = taken[:n], taken[n:]
                if what == "sent":
                    buffer.sent(len(some))
                elif what == "drop":
                    buffer.drop(Dropped.REFUSED, len(some))
                else:
                    buffer.put_back(some)
        waiting, size, sent, dropped = buffer.counts
        assert waiting + sent + sum(dropped.values()) == came
        assert len(buffer) <= 5
        assert size <= 100

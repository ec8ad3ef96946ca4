"""Keys take turns by what they were given, whatever they ask for and whenever they come."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from registry.parameters import GenerationParameters
from safelight.serving.fairness import Turns, work_of


@dataclass(frozen=True)
class Asked:
    account: str
    work: float = 1.0


def serve(turns: Turns, queue: list[Asked], times: int) -> list[str]:
    """One after the other, the one whose turn it is."""
    served = []
    for _ in range(times):
        chosen = queue.pop(turns.order(queue)[0])
        turns.give([chosen])
        served.append(chosen.account)
    return served


def test_one_key_alone_is_served_in_the_order_it_asked() -> None:
    assert Turns().order([Asked("a", 3), Asked("a", 1), Asked("a", 2)]) == [0, 1, 2]


def test_a_newcomer_is_next_however_many_wait() -> None:
    turns, queue = Turns(), [Asked("a") for _ in range(500)]
    serve(turns, queue, 100)
    queue += [Asked("b"), Asked("b")]
    assert serve(turns, queue, 4).count("b") == 2


def test_a_key_saves_nothing_up_by_staying_away() -> None:
    turns, queue = Turns(), [Asked("a") for _ in range(50)]
    serve(turns, queue, 40)
    queue += [Asked("b") for _ in range(50)]
    assert Counter(serve(turns, queue, 10)) == {"a": 5, "b": 5}


def test_turns_are_counted_in_work_not_in_images() -> None:
    turns, queue = Turns(), [Asked("large", 4.0) for _ in range(40)] + [Asked("small", 1.0) for _ in range(40)]
    assert Counter(serve(turns, queue, 20)) == {"large": 4, "small": 16}


def test_debts_end_when_nobody_waits() -> None:
    turns = Turns()
    turns.give([Asked("a", 100.0)])
    turns.forgive()
    assert Counter(serve(turns, [Asked("a"), Asked("b"), Asked("a"), Asked("b")], 2)) == {"a": 1, "b": 1}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([1.0, 2.0, 8.0])), min_size=1, max_size=60))
def test_no_two_keys_that_wait_differ_by_more_than_two_of_their_largest(asked: list[tuple[str, float]]) -> None:
    """The bound of start-time fair queueing: each pair of accounts is apart by at most one request of either."""
    queue = [Asked(account, work) for account, work in asked]
    turns, given_to = Turns(), Counter[str]()
    while len({each.account for each in queue}) == len({account for account, _ in asked}) > 1:
        chosen = queue.pop(turns.order(queue)[0])
        turns.give([chosen])
        given_to[chosen.account] += int(chosen.work)
        counts = [given_to[account] for account in {each.account for each in queue}]
        assert max(counts, default=0) - min(counts, default=0) <= 16


def test_work_grows_with_pixels_and_steps_and_doubles_with_guidance() -> None:
    plain = GenerationParameters(
        prompt="", negative_prompt="", width=64, height=32, steps=8, guidance=1.0, n=1, seed=1
    )  # fmt: skip
    assert work_of(plain) == 64 * 32 * 8
    assert work_of(GenerationParameters(**vars(plain) | {"guidance": 3.0})) == 2 * work_of(plain)

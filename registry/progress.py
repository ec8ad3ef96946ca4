"""How far one release has come: a tiny state machine.

A promote is loaded, warmed and checked on its golden prompts before the route flips. A rollback flips as soon as its
target is loaded, at once if it is still warm, and is checked while it serves: the version it leaves is known to be bad.
What somebody else's service serves is declared: there is nothing to load, and either kind flips at
once. A promote that is checked may first take a part of the traffic, step by step (see registry.canary): it is paused
and resumed, and may be called off at any moment. The ledger's entry is appended together with FLIP; whatever fails
before that leaves production untouched.
"""

from enum import StrEnum
from typing import ClassVar

from registry.errors import Kind, RegistryError
from registry.ledger import EntryKind


class State(StrEnum):
    REQUESTED = "requested"
    PREPARING = "preparing"
    VERIFYING = "verifying"
    CANARY = "canary"
    PAUSED = "paused"
    FLIPPING = "flipping"
    SERVING = "serving"
    ACCEPTED = "accepted"
    FAILED = "failed"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"


class Event(StrEnum):
    PREPARE = "prepare"
    """An engine begins to load and warm the version."""
    VERIFY = "verify"
    """It is loaded; the golden check begins."""
    DECLARE = "declare"
    """Somebody else's service serves it: there is nothing to load or to check here."""
    BEGIN = "begin"
    """It takes the first step of its canary."""
    STEP = "step"
    """It takes the next one."""
    PAUSE = "pause"
    """The canary stays at its step until a person says otherwise."""
    RESUME = "resume"
    FLIP = "flip"
    """New requests go to it from now on."""
    ARRIVE = "arrive"
    """The last request to the version before has been dispatched."""
    ACCEPT = "accept"
    """It has proven good."""
    FAIL = "fail"
    ABORT = "abort"
    """Somebody called it off before the flip."""
    SUPERSEDE = "supersede"
    """A later release took over."""


class IllegalTransition(RegistryError):
    kind: ClassVar[Kind] = Kind.CONFLICT

    def __init__(self, kind: EntryKind, state: State, event: Event) -> None:
        legal = ", ".join(event for event in Event if (state, event) in _table(kind)) or "nothing: it is over"
        super().__init__(
            "release_transition_illegal",
            f"A {kind} that is {state} cannot {event}. What it can: {legal}. Load the release again, then decide.",
        )


_ANY = {
    (State.REQUESTED, Event.PREPARE): State.PREPARING,
    (State.REQUESTED, Event.DECLARE): State.FLIPPING,
    (State.PREPARING, Event.VERIFY): State.VERIFYING,
    (State.VERIFYING, Event.FLIP): State.FLIPPING,
    (State.FLIPPING, Event.ARRIVE): State.SERVING,
    (State.SERVING, Event.ACCEPT): State.ACCEPTED,
} | {
    (state, event): end
    for state in (
        State.REQUESTED,
        State.PREPARING,
        State.VERIFYING,
        State.CANARY,
        State.PAUSED,
        State.FLIPPING,
        State.SERVING,
    )
    for event, end in (
        (Event.FAIL, State.FAILED),
        (Event.ABORT, State.ABORTED),
        (Event.SUPERSEDE, State.SUPERSEDED),
    )
    # Once the route flips there is no calling off: going back is a release of its own.
    if not (event is Event.ABORT and state in (State.FLIPPING, State.SERVING))
}
_PROMOTE = _ANY | {
    (State.VERIFYING, Event.BEGIN): State.CANARY,
    (State.CANARY, Event.STEP): State.CANARY,
    (State.CANARY, Event.PAUSE): State.PAUSED,
    (State.CANARY, Event.FLIP): State.FLIPPING,
    (State.PAUSED, Event.STEP): State.CANARY,
    (State.PAUSED, Event.RESUME): State.CANARY,
    (State.PAUSED, Event.FLIP): State.FLIPPING,
}
_ROLLBACK = _ANY | {
    (State.REQUESTED, Event.FLIP): State.FLIPPING,
    (State.PREPARING, Event.FLIP): State.FLIPPING,
}
_TABLES = {EntryKind.PROMOTE: _PROMOTE, EntryKind.ROLLBACK: _ROLLBACK}

OPEN = frozenset(state for state, _ in _PROMOTE)
"""The states that something can still follow."""


def transition(kind: EntryKind, state: State, event: Event) -> State:
    """Where ``event`` takes a promote or a rollback that is in ``state``. Raises IllegalTransition."""
    end = _table(kind).get((state, event))
    if end is None:
        raise IllegalTransition(kind, state, event)
    return end


def _table(kind: EntryKind) -> dict[tuple[State, Event], State]:
    return _TABLES[kind]

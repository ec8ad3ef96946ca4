"""Whether a release may have gone from one state to another."""

from registry.ledger import EntryKind
from registry.progress import Event, IllegalTransition, State, transition


def legal(kind: EntryKind, before: State, after: State) -> bool:
    for event in Event:
        try:
            if transition(kind, before, event) is after:
                return True
        except IllegalTransition:
            continue
    return False

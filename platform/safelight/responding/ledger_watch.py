"""A ledger that no longer is what was noted of it is an incident."""

from registry.ledger import BreakReason
from safelight.clock import Clock
from safelight.leadership import Leadership
from safelight.releasing.anchoring import Anchoring, Tampered
from safelight.responding.announcement import Links
from safelight.responding.causes import Cause, open_of_cause
from safelight.store.database import Database

MONITOR = "ledger"
REASON = "ledger_tampered"
_FOUND = {
    BreakReason.HEAD: "is not there any more: the chain was cut short",
    BreakReason.ANCHOR: "is another one today: the chain was rewritten from there or from before",
}


class LedgerWatch:
    """Notes the heads of the chains, and opens an incident for each chain that an earlier note no longer holds for."""

    def __init__(
        self, database: Database, leadership: Leadership, anchoring: Anchoring, links: Links, clock: Clock
    ) -> None:
        self._database = database
        self._leadership = leadership
        self._anchoring = anchoring
        self._links = links
        self._clock = clock

    def run_once(self) -> int:
        """Returns how many incidents were opened. Raises as Anchoring does."""
        if not self._leadership.held():
            return 0
        opened = 0
        for found in self._anchoring.run_once().tampered:
            with self._database.transaction() as session:
                opened += open_of_cause(session, _cause(found), self._links, self._clock.now()) is not None
        return opened


def _cause(found: Tampered) -> Cause:
    anchor = found.anchor
    return Cause(
        generator=anchor.generator,
        key=f"{anchor.generator}:{anchor.scope}:ledger",
        title=f"The ledger of {anchor.generator} is not what it was",
        monitor=MONITOR,
        reason=REASON,
        event="ledger",
        summary=f"Entry {anchor.seq}, noted on {anchor.at:%Y-%m-%d %H:%M} UTC, {_FOUND[found.reason]}.",
        evidence=lambda: {
            "scope": anchor.scope,
            "seq": anchor.seq,
            "noted_hash": anchor.hash,
            "noted_at": anchor.at.isoformat(),
            "reason": found.reason.value,
        },
    )

"""How urgent an incident is, from what it is about. A person may set it otherwise."""

from monitors.verdict import Reason
from safelight.responding.policy import VERSION_FAULTS
from safelight.store.incidents import Severity

# What people who ask for an image get is worse, or nothing at all.
_FELT = VERSION_FAULTS | {Reason.ERROR_RATE_UP, Reason.ERROR_BUDGET_BURN, Reason.UNLOGGED}


def derive(reason: str, *, one_part: bool, suspects_version: bool) -> Severity:
    """`one_part`: the rest of the traffic is healthy. `suspects_version`: of the version that serves."""
    if one_part:
        return Severity.HIGH
    return Severity.CRITICAL if reason in _FELT or suspects_version else Severity.HIGH

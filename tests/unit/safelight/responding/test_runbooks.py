"""There is something to do for every kind of monitor, and for every other thing that opens incidents."""

import pytest

from monitors.verdict import Reason
from safelight.handouts.markdown import to_html
from safelight.responding import (
    calling_off,
    crashing,
    drilling,
    ledger_watch,
    registry_edits,
    target_faults,
    verifying,
)
from safelight.responding.runbooks import bundled
from safelight.responding.severity import derive
from safelight.store.incidents import Severity
from safelight.watching.monitors import KINDS

OTHERS = [
    module.MONITOR
    for module in (calling_off, crashing, drilling, ledger_watch, registry_edits, target_faults, verifying)
]


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_every_kind_has_a_text_of_its_own(kind: str) -> None:
    assert bundled(kind) != bundled("unheard of")
    assert "<ol>" in to_html(bundled(kind)), "steps in an order"


def test_a_kind_of_somebody_elses_has_the_general_one() -> None:
    assert "Acknowledge" in bundled("unheard of")


def test_markup_of_somebody_elses_is_shown_and_never_run() -> None:
    html = to_html("<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>")
    assert "<script" not in html
    assert "<img" not in html
    assert "href" not in html


def test_what_people_feel_is_critical_and_one_part_of_it_is_not() -> None:
    assert derive(Reason.ALIGNMENT_DOWN, one_part=False, suspects_version=True) is Severity.CRITICAL
    assert derive(Reason.ERROR_RATE_UP, one_part=False, suspects_version=False) is Severity.CRITICAL
    assert derive(Reason.ALIGNMENT_DOWN, one_part=True, suspects_version=True) is Severity.HIGH
    assert derive("drill_failed", one_part=False, suspects_version=False) is Severity.HIGH

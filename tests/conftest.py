"""What every test shares: one thread a process, a repeatable hypothesis, and no skip where none is allowed."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Before anything imports numpy or torch: they read these once.
os.environ.update(
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
    HF_HUB_OFFLINE="1",
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="1",
)

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# Derandomised: a red build means that the change is wrong, not that the dice fell differently. No deadline: machines
# are noisy.
settings.register_profile("safelight", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("safelight")


_TESTS = Path(__file__).parent
_WHOLE_MACHINE = {"browser", "e2e"}
"""Folders whose tests start a Safelight of their own, each as large as the machine: one at a time."""
_FIGURES = "figures"


class _Turns(LoadScopeScheduling):  # type: ignore[misc]  # its library is not annotated
    """Tests of one file stay in one process, for they share what is costly to start."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "whole machine" if Path(file).parts[1] in _WHOLE_MACHINE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Turns:
    return _Turns(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes: the longest turn begins first
        items.sort(key=lambda item: item.path.relative_to(_TESTS).parts[0] in _WHOLE_MACHINE, reverse=True)


@pytest.fixture
def report_figures(record_property: Callable[[str, object], None]) -> Callable[[Sequence[str]], None]:
    """Have lines printed at the end of the run, where its reader looks for what was measured."""
    return lambda lines: record_property(_FIGURES, "\n".join(lines))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="a run that skipped a test has failed")


def _forbidden_skips(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter and config.getoption("--fail-on-skip") else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _forbidden_skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, figures in report.user_properties:
            if name == _FIGURES and report.when == "call":
                terminalreporter.section(report.nodeid, sep="-")
                terminalreporter.write_line(figures)
    if skips := _forbidden_skips(config):
        terminalreporter.write_line(f"{skips} skipped, and --fail-on-skip allows none: install what they need")

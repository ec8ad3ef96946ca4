"""What every test shares: one thread a process, a repeatable hypothesis, and no skip where none is allowed."""

import os

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

# Derandomised: a red build means that the change is wrong, not that the dice fell differently. No deadline: machines
# are noisy.
settings.register_profile("safelight", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("safelight")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="a run that skipped a test has failed")


def _forbidden_skips(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter and config.getoption("--fail-on-skip") else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _forbidden_skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if skips := _forbidden_skips(config):
        terminalreporter.write_line(f"{skips} skipped, and --fail-on-skip allows none: install what they need")

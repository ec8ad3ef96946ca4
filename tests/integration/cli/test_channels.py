"""Channels from the command line, on a store of the test's own."""

from pathlib import Path

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from safelight import wiring
from safelight.cli import app
from safelight.errors import SafelightError
from safelight.settings import Settings
from safelight.store import access

SLACK = "https://hooks.slack.com/services/T0/B0/hunter2"


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    return CliRunner()


def _done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def _refused(result: Result) -> str:
    assert isinstance(result.exception, SafelightError)
    return result.exception.code


def test_a_channel_is_made_tried_rotated_and_switched_off(run: CliRunner) -> None:
    secret = _done(run.invoke(app, ["channel", "add", "on-call", "--url", "https://hooks.example.com/"]))
    Webhook(secret)
    assert "a test is on its way to on-call" in _done(run.invoke(app, ["channel", "test", "on-call"]))
    rotated = _done(run.invoke(app, ["channel", "rotate", "on-call", "--overlap-hours", "0"]))
    Webhook(rotated)
    assert rotated != secret
    assert "on-call" in _done(run.invoke(app, ["channel", "list"]))

    _done(run.invoke(app, ["channel", "disable", "on-call"]))
    failed = _done(run.invoke(app, ["channel", "failed", "on-call"]))
    assert "channel.test" in failed
    assert "the channel was disabled" in failed
    assert _refused(run.invoke(app, ["channel", "test", "on-call"])) == "channel_disabled"
    assert _refused(run.invoke(app, ["channel", "replay", "on-call"])) == "channel_disabled"

    _done(run.invoke(app, ["channel", "enable", "on-call"]))
    _done(run.invoke(app, ["channel", "add", "nights", "--url", "https://hooks.example.com/nights"]))
    of_another = ["channel", "replay", "nights", "--id", failed.split()[0]]
    assert _refused(run.invoke(app, of_another)) == "notification_not_found"
    assert _done(run.invoke(app, ["channel", "replay", "on-call", "--id", failed.split()[0]])).startswith(
        "1 on the way"
    )
    assert _done(run.invoke(app, ["channel", "replay", "on-call"])).startswith("0 on the way")
    assert _done(run.invoke(app, ["channel", "failed"])) == ""


def test_a_channel_is_edited(run: CliRunner) -> None:
    _done(run.invoke(app, ["channel", "add", "on-call", "--url", "https://hooks.example.com/"]))
    edit = ["channel", "edit", "on-call", "--name", "nights", "--url", "-"]
    said = _done(run.invoke(app, edit, input="https://hooks.example.com/nights\n"))
    assert said == "nights: webhook at https://hooks.example.com/nights"
    assert _refused(run.invoke(app, ["channel", "test", "on-call"])) == "channel_not_found"
    with wiring.database(Settings()).reading() as session:
        (newest, _) = access.audit_page(session, None, 10)
    assert (newest.action, newest.target) == ("channel.edit", "nights")
    assert (
        _refused(run.invoke(app, ["channel", "edit", "nights", "--url", "http://10.0.0.1/"])) == "webhook_url_invalid"
    )
    assert "https://hooks.example.com/nights" in _done(run.invoke(app, ["channel", "list"]))


def test_what_is_secret_is_read_from_standard_input_and_not_shown(run: CliRunner) -> None:
    assert _done(run.invoke(app, ["channel", "add", "team", "--kind", "slack", "--url", "-"], input=f"{SLACK}\n")) == ""
    key = "0123456789abcdef0123456789abcdef"
    pager = ["channel", "add", "pager", "--kind", "pagerduty", "--secret", "-"]
    assert _done(run.invoke(app, pager, input=f"{key}\n")) == ""
    listed = _done(run.invoke(app, ["channel", "list"]))
    assert "https://hooks.slack.com/…" in listed
    assert "hunter2" not in listed
    assert key not in listed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "x", "--url", "http://127.0.0.1/"], "webhook_url_invalid"),
        (["add", "x", "--kind", "pagerduty", "--secret", "short"], "channel_invalid"),
        (["rotate", "nobody"], "channel_not_found"),
        (["edit", "nobody"], "channel_not_found"),
        (["test", "nobody"], "channel_not_found"),
        (["failed", "nobody"], "channel_not_found"),
        (["replay", "nobody"], "channel_not_found"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(run: CliRunner, arguments: list[str], code: str) -> None:
    assert _refused(run.invoke(app, ["channel", *arguments])) == code

"""What must not be kept is written nowhere."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from safelight.clock import ManualClock
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.redaction import Redactor
from safelight.settings import OnFull, RedactionSettings
from safelight.store.journal import JournalFile

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESS = r"[\w.]+@[\w.]+"


def _generation(**changes: Any) -> Generation:
    values: dict[str, Any] = {
        "id": uuid4(),
        "created_at": NOON,
        "generator": "studio",
        "version": 1,
        "bundle_digest": "d",
        "source": Source.ENGINE,
        "arm": Arm.STABLE,
        "outcome": Outcome.SERVED,
        "request_id": uuid4(),
        "prompt": "a card for anna@example.org",
        "parameters": {"steps": 20, "negative_prompt": "bob@example.org"},
        "envelope": {"batch_size": 1},
    }
    return Generation(**values | changes)


def test_every_text_is_looked_through_and_the_record_says_that_it_was_changed() -> None:
    redact = Redactor(RedactionSettings(patterns=(ADDRESS,)))
    kept = redact(_generation(final_prompt="a photo of a card for anna@example.org, anna@example.org"))
    assert kept.prompt == "a card for [redacted]"
    assert kept.final_prompt == "a photo of a card for [redacted], [redacted]"
    assert kept.parameters == {"steps": 20, "negative_prompt": "[redacted]"}
    assert kept.envelope == {"batch_size": 1, "redacted": True}


def test_what_matches_nothing_stays_as_it_is() -> None:
    made = _generation(prompt="a red fox", parameters={"steps": 20})
    assert Redactor(RedactionSettings(patterns=(ADDRESS,)))(made) is made
    assert Redactor(RedactionSettings())(_generation()).prompt == "a card for anna@example.org"


def test_with_a_key_equal_texts_have_equal_marks_and_another_key_has_others() -> None:
    redact = Redactor(RedactionSettings(patterns=(ADDRESS,), key=SecretStr("k1")))
    other = Redactor(RedactionSettings(patterns=(ADDRESS,), key=SecretStr("k2")))
    anna, again = redact(_generation()).prompt, redact(_generation()).prompt
    bob = redact(_generation(prompt="a card for bob@example.org")).prompt
    assert anna == again != bob
    assert other(_generation()).prompt != anna
    assert anna.startswith("a card for [redacted:")


def _contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


@pytest.mark.anyio
async def test_neither_disk_nor_log_sees_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(JournalFile(tmp_path, max_bytes=1024 * 1024))
    redact = Redactor(RedactionSettings(patterns=(ADDRESS,)))
    recorder = Recorder(journal, Losses(60), ManualClock(NOON), OnFull.SERVE, redact)
    made = _generation()
    with caplog.at_level(logging.DEBUG):
        await recorder.record(made, b"png")
        await recorder.record(_generation(), bytes(2 * 1024 * 1024))
    entry = recorder.find(made.id)
    assert entry is not None
    assert "[redacted]" in entry.document
    journal.close()
    assert not any(b"example.org" in content for content in _contents(tmp_path))
    assert "example.org" not in caplog.text
    assert "unlogged" in caplog.text


@pytest.mark.parametrize("pattern", ["(", "a*"])
def test_a_pattern_that_cannot_be_meant_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="patterns"):
        RedactionSettings(patterns=(pattern,))

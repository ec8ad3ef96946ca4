"""What a person wrote is text wherever an export is opened."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from registry.ledger import GENESIS, Draft, Entry, EntryKind, append
from safelight.releasing.exporting import as_csv, as_json


def entry(reason: str, actor: str = "ann") -> Entry:
    draft = Draft(
        generator="studio",
        scope="default",
        kind=EntryKind.PROMOTE,
        from_version=None,
        to_version=1,
        to_digest=GENESIS,
        actor=actor,
        reason=reason,
    )
    return append(None, draft, datetime(2026, 11, 23, 12, tzinfo=UTC))


def row(written: Entry) -> dict[str, str]:
    [found] = csv.DictReader(io.StringIO("".join(as_csv([written])), newline=""))
    return found


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_is_given_no_formula_to_run(first: str) -> None:
    text = f'{first}HYPERLINK("https://elsewhere.example","better")'
    exported = row(entry(text, actor=text))
    assert (exported["reason"], exported["actor"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("text", ["", "better = sharper", "1-2", "'quoted'"])
def test_all_other_text_and_numbers_stay_as_they_are(text: str) -> None:
    exported = row(entry(text))
    assert (exported["reason"], exported["to_version"], exported["from_version"]) == (text, "1", "")


def test_json_is_verbatim() -> None:
    [document] = json.loads("".join(as_json([entry("=1+1")])))
    assert document["reason"] == "=1+1"

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from safelight.errors import SafelightError
from safelight.ids import made_at
from safelight.importing.rows import ImportedRow, RowReader
from safelight.importing.table import Record
from safelight.recording.generation import Outcome

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _read(line: int = 1, **values: Any) -> ImportedRow:
    values = {"prompt": "a red cat", "image": "1.png", **values}
    columns = {field: field for field in values}
    return RowReader("portraits", 3, columns, lambda _value, _position: NOON).read(Record(line, values), line)


def test_a_row_becomes_what_is_told_of_a_generation() -> None:
    row = _read(seed="7", steps=8.0, guidance="3.5", width=512, replica=3, region="eu", scheduler="euler")
    account = row.account
    assert (account.generator, account.version, account.prompt, account.seed) == ("portraits", 3, "a red cat", 7)
    assert account.parameters == {"steps": 8, "guidance": 3.5, "width": 512, "scheduler": "euler"}
    assert (account.replica, account.region, account.outcome) == ("3", "eu", Outcome.SERVED)
    assert row.created_at == made_at(row.id) == NOON


def test_the_same_row_has_the_same_id_wherever_it_stands() -> None:
    first, again, other = _read(1), _read(99), _read(1, seed=1)
    assert (first.id, first.account.request_id) == (again.id, again.account.request_id)
    assert first.id != other.id
    assert first.id.version == 7


def test_an_id_of_the_table_says_which_row_it_is_whatever_else_changes() -> None:
    assert _read(id="job-1", prompt="a").id == _read(id="job-1", prompt="b").id != _read(id="job-2", prompt="a").id


def test_bytes_are_told_apart_by_what_they_hold() -> None:
    one, same, other = (_read(image=content) for content in (b"one", {"bytes": b"one", "path": "x"}, b"other"))
    assert one.image == same.image == b"one"
    assert one.id == same.id != other.id


def test_a_version_of_its_own_and_a_parameter_of_its_own() -> None:
    assert _read(version="4", **{"parameters.cfg": 2}).account.version == 4
    assert _read(**{"parameters.cfg": 2}).account.parameters == {"cfg": 2}


def test_texts_and_numbers_are_read_as_parquet_may_keep_them() -> None:
    values: dict[str, Any] = {"guidance": Decimal("3.5"), "parameters.cfg": Decimal("2.5")}
    account = _read(prompt=b"a red caf\xc3\xa9", **values).account
    assert (account.prompt, account.parameters) == ("a red caf\u00e9", {"guidance": 3.5, "cfg": 2.5})


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": b"\xff\xfe"},
        {"parameters.at": NOON},
        {"parameters.of": {1, 2}},
        {"parameters.deep": {"a": [1]}},
        {"negative_prompt": b"\xff"},
    ],
)
def test_a_value_that_is_neither_text_nor_number_costs_its_row_and_no_other(values: dict[str, Any]) -> None:
    with pytest.raises(SafelightError) as refusal:
        _read(**values)
    assert refusal.value.code in {"row_invalid", "invalid_submission"}


def test_what_was_not_served_has_no_image_here() -> None:
    assert _read(outcome="filtered").image is None


def test_missing_values_are_left_out() -> None:
    account = _read(seed=float("nan"), replica=None).account
    assert (account.seed, account.replica) == (None, None)


def test_embeddings_become_directions() -> None:
    row = _read(image_embedding=[3.0, 4.0], prompt_embedding="[0, 2]")
    assert row.image_embedding is not None
    assert row.prompt_embedding is not None
    np.testing.assert_allclose(row.image_embedding, [0.6, 0.8])
    np.testing.assert_allclose(row.prompt_embedding, [0.0, 1.0])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": "a\0b"}, "NUL"),
        ({"seed": "x"}, "seed is not a number"),
        ({"seed": 1.5}, "seed is not a whole number"),
        ({"steps": float("inf")}, "steps is not a whole number"),
        ({"outcome": "lost"}, "outcome"),
        ({"version": 0}, "version"),
        ({"image": 7}, "image is neither"),
        ({"image_embedding": "no"}, "image_embedding"),
        ({"image_embedding": [0.0, 0.0]}, "image_embedding"),
        ({"image_embedding": [[1.0]]}, "image_embedding"),
        ({"request_id": "job-1"}, "request_id"),
    ],
)
def test_a_bad_row_says_what_is_wrong(values: dict[str, Any], words: str) -> None:
    with pytest.raises(SafelightError, match=words):
        _read(**values)

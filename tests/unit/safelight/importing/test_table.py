import gzip
import io
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from safelight.errors import SafelightError
from safelight.importing.pictures import Pictures
from safelight.importing.rows import RowReader
from safelight.importing.table import Record, Table, Unreadable, open_table
from safelight.settings import ImageStoreSettings

SETTINGS = ImageStoreSettings()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROWS = [{"prompt": "a cat", "seed": 1}, {"prompt": 'a "dog",\ntwice', "seed": 2}]


def _open(path: Path | str) -> Table:
    return open_table(str(path), SETTINGS)


def _values(table: Table) -> list[dict[str, object]]:
    return [row.values for row in table.rows() if isinstance(row, Record)]


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS * 300), tmp_path / "log.parquet", row_group_size=100)
    table = _open(tmp_path / "log.parquet")
    assert (table.columns, table.count()) == (("prompt", "seed"), 600)
    assert _values(table) == ROWS * 300
    assert [row.line for row in table.rows()][-1] == 600


@pytest.mark.parametrize("name", ["log.jsonl", "log.ndjson.gz"])
def test_json_lines_are_read_and_bad_ones_named(tmp_path: Path, name: str) -> None:
    text = '{"prompt": "a cat", "seed": 1}\n\nnot json\n[1]\n{"prompt": "a dog", "mood": "sad"}\n'
    opener = gzip.open if name.endswith(".gz") else open
    with opener(tmp_path / name, "wt") as file:
        file.write(text)
    table = _open(tmp_path / name)
    assert table.columns == ("prompt", "seed", "mood")
    rows = list(table.rows())
    assert [type(row) for row in rows] == [Record, Unreadable, Unreadable, Record]
    assert [row.line for row in rows] == [1, 3, 4, 5]


def test_a_list_in_a_list_in_a_list_costs_its_line_alone(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"prompt": "a cat"}\n' + "[" * 100_000 + '\n{"prompt": "a dog"}\n')
    assert [type(row) for row in _open(tmp_path / "log.jsonl").rows()] == [Record, Unreadable, Record]


@pytest.mark.parametrize("name", ["log.csv.gz", "log.jsonl.gz", "log.parquet"])
def test_a_file_that_is_torn_in_the_middle_says_so(tmp_path: Path, name: str) -> None:
    if name.endswith(".gz"):
        drawn = random.Random(0)
        lines = "\n".join(f'{{"prompt": "{drawn.getrandbits(512)}"}}' for _ in range(2_000))
        whole = gzip.compress(lines.encode())
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    else:
        parquet.write_table(pa.Table.from_pylist(ROWS * 3_000), tmp_path / name, row_group_size=1_000)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:4] + b"\0" * 2_000 + whole[2_004:])
    with pytest.raises(SafelightError) as refusal:
        _values(_open(tmp_path / name))
    assert refusal.value.code == "source_unreadable"


def test_an_address_of_a_kind_nobody_knows_is_refused() -> None:
    with pytest.raises(SafelightError) as refusal:
        _open("gopher://somewhere/log.csv")
    assert refusal.value.code == "source_unreadable"


def test_csv_has_quotes_marks_and_empty_cells_as_spreadsheets_write_them(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b'\xef\xbb\xbfprompt,seed\n"a ""dog"",\ntwice",2\na cat,\nshort\nlong,1,2\n')
    table = _open(tmp_path / "log.csv")
    assert table.columns == ("prompt", "seed")
    rows = list(table.rows())
    assert [row.line for row in rows] == [3, 4, 5, 6]
    assert _values(table) == [{"prompt": 'a "dog",\ntwice', "seed": "2"}, {"prompt": "a cat", "seed": None}]
    assert all(isinstance(row, Unreadable) for row in rows[2:])


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    return out.getvalue()


def test_a_folder_of_images_has_its_prompts_beside_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.png", "a.jpg", "deep/c.webp"):
        (tmp_path / name).write_bytes(_png())
    (tmp_path / "a.txt").write_text("a cat\n")
    (tmp_path / "deep" / "c.txt").write_text("a dog")
    table = _open(tmp_path)
    assert _values(table) == [{"image": "a.jpg", "prompt": "a cat"}, {"image": "deep/c.webp", "prompt": "a dog"}]
    assert [row.line for row in table.rows() if isinstance(row, Unreadable)] == [2]


def test_a_folder_with_a_table_is_that_table(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_png())
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "text": "a cat"}\n')
    assert _values(_open(tmp_path)) == [{"file_name": "a.png", "text": "a cat"}]


def test_parquet_parts_of_a_folder_are_one_table(tmp_path: Path) -> None:
    for i, row in enumerate(ROWS):
        parquet.write_table(pa.Table.from_pylist([row]), tmp_path / f"part-{i}.parquet")
    assert [row.line for row in _open(tmp_path).rows()] == [1, 2]


@pytest.fixture
def bucket() -> Iterator[str]:
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe("/bucket/log.jsonl", b'{"prompt": "p", "image": "in/1.png"}\n')
    filesystem.pipe("/bucket/in/1.png", b"beside")
    filesystem.pipe("/elsewhere/2.png", b"elsewhere")
    yield "memory://bucket/log.jsonl"
    filesystem.rm("/bucket", recursive=True)
    filesystem.rm("/elsewhere", recursive=True)


def test_images_are_found_in_the_table_beside_it_and_at_addresses(bucket: str) -> None:
    table = _open(bucket)
    reader = RowReader("g", 1, {"prompt": "prompt", "image": "image"}, lambda _v, _p: NOON)

    references = ["in/1.png", b"inside", "memory://elsewhere/2.png", "in/none.png"]
    rows = [reader.read(Record(1, {"prompt": "p", "image": each}), 0) for each in references]
    found = Pictures(table, SETTINGS).read(rows)
    assert found[:3] == [b"beside", b"inside", b"elsewhere"]
    assert isinstance(found[3], SafelightError)
    assert found[3].code == "image_missing"


@pytest.mark.parametrize(
    ("name", "code"), [("none.csv", "source_missing"), ("log.xlsx", "source_unknown"), ("empty", "source_unreadable")]
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "log.xlsx").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SafelightError) as refused:
        _open(tmp_path / name)
    assert refused.value.code == code


def test_a_file_that_is_not_what_it_is_called_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_bytes(b"x")
    with pytest.raises(SafelightError) as refused:
        _open(tmp_path / "log.parquet")
    assert refused.value.code == "source_unreadable"

import pytest

from safelight.errors import SafelightError
from safelight.importing.mapping import parse_mapping, resolve


def test_fields_are_mapped_to_columns() -> None:
    assert parse_mapping(" prompt=caption, image=file ,replica = host,parameters.cfg=cfg") == {
        "prompt": "caption",
        "image": "file",
        "replica": "host",
        "parameters.cfg": "cfg",
    }


def test_columns_named_as_a_field_need_no_mention() -> None:
    columns = ("caption", "image", "seed", "mood", "steps")
    assert resolve({"prompt": "caption"}, columns) == {
        "prompt": "caption",
        "image": "image",
        "seed": "seed",
        "steps": "steps",
    }


def test_a_column_that_was_given_another_meaning_keeps_it() -> None:
    assert resolve({"prompt": "caption", "request_id": "id"}, ("caption", "id")) == {
        "prompt": "caption",
        "request_id": "id",
    }


@pytest.mark.parametrize("text", ["prompt", "prompt=", "=caption", "colour=c", "prompt=a,prompt=b", "parameters.=x"])
def test_what_cannot_be_a_mapping_is_refused(text: str) -> None:
    with pytest.raises(SafelightError) as refused:
        parse_mapping(text)
    assert refused.value.code == "mapping_invalid"


def test_a_missing_column_is_named_beside_those_there_are() -> None:
    with pytest.raises(SafelightError, match=r"no column 'txt'.*caption, file") as refused:
        resolve({"prompt": "txt"}, ("caption", "file"))
    assert refused.value.code == "column_missing"


def test_a_table_without_prompts_is_refused() -> None:
    with pytest.raises(SafelightError, match="no column is the prompt"):
        resolve({}, ("file",))

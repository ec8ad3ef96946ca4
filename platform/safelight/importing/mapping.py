"""Which column of a table means what."""

from collections.abc import Collection, Mapping

from safelight.errors import Kind, SafelightError
from safelight.recording.submission import Account

PARAMETERS = ("steps", "guidance", "width", "height", "negative_prompt", "scheduler")
PARAMETER_PREFIX = "parameters."
IMAGE = "image"
IMAGE_EMBEDDING = "image_embedding"
PROMPT_EMBEDDING = "prompt_embedding"
SEEN = "seen"
"""What was seen of an image at the source: the document that `POST /api/v1/ingest` takes in place of an image."""
FIELDS = (
    *(name for name in Account.model_fields if name not in ("generator", "parameters")),
    *PARAMETERS,
    IMAGE,
    IMAGE_EMBEDDING,
    PROMPT_EMBEDDING,
    SEEN,
)
"""What a column may be mapped to; besides, any parameter of a name of its own as `parameters.NAME`."""


def parse_mapping(text: str) -> dict[str, str]:
    """Columns by field, from `prompt=caption,image=file`. Raises SafelightError `mapping_invalid`."""
    columns: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (word.strip() for word in part.partition("="))
        if not (field and equals and column):
            raise _invalid(f"{part!r} is not FIELD=COLUMN")
        own_parameter = field.startswith(PARAMETER_PREFIX) and field != PARAMETER_PREFIX
        if field not in FIELDS and not own_parameter:
            raise _invalid(f"there is no field {field!r}. Fields are {', '.join(FIELDS)} and {PARAMETER_PREFIX}NAME")
        if field in columns:
            raise _invalid(f"{field!r} is mapped twice")
        columns[field] = column
    return columns


def resolve(given: Mapping[str, str], columns: Collection[str]) -> dict[str, str]:
    """The mapping, completed by columns that bear the name of a field.

    Raises SafelightError `column_missing`, and `mapping_invalid` where nothing says which column is the prompt.
    """
    missing = sorted(set(given.values()) - set(columns))
    if missing:
        raise SafelightError(
            Kind.INVALID,
            "column_missing",
            f"The table has no column {', '.join(map(repr, missing))}. It has {', '.join(sorted(columns))}.",
        )
    taken = set(given.values())
    same = {field: field for field in FIELDS if field in columns and field not in given and field not in taken}
    found = {**same, **given}
    if "prompt" not in found:
        raise _invalid(f"no column is the prompt. Add prompt=COLUMN; the columns are {', '.join(sorted(columns))}")
    return found


def _invalid(what: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "mapping_invalid", f"The mapping cannot be: {what}.")

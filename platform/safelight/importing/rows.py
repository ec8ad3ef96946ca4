"""From a row of a table to a generation, or to the reason why it is none."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from safelight.errors import Kind, SafelightError
from safelight.ids import first_id_at
from safelight.importing.mapping import IMAGE, IMAGE_EMBEDDING, PARAMETER_PREFIX, PARAMETERS, PROMPT_EMBEDDING, SEEN
from safelight.importing.table import Record
from safelight.recording.generation import Outcome
from safelight.recording.submission import Account, refusal
from safelight.scoring.seen import Seen

_WHOLE = frozenset({"seed", "version", "steps", "width", "height"})
_REAL = frozenset({"guidance", "queue_ms", "engine_ms", "total_ms"})


@dataclass(frozen=True, eq=False)
class ImportedRow:
    """One generation as a table tells it. `image` is bytes or where to find them, None where there is none; `seen` may
    stand in its place."""

    line: int
    account: Account
    image: bytes | str | None
    image_embedding: NDArray[np.float32] | None
    prompt_embedding: NDArray[np.float32] | None
    seen: Seen | None = None

    @property
    def id(self) -> UUID:
        assert self.account.id is not None  # noqa: S101 - `RowReader` gives every row one
        return self.account.id

    @property
    def created_at(self) -> datetime:
        assert self.account.created_at is not None  # noqa: S101 - `RowReader` gives every row one
        return self.account.created_at


@dataclass(frozen=True)
class RowReader:
    """Reads rows by a mapping. `when` gives the time of a row: its value in the table (None without a column for it)
    and the row's position, counted from zero; it raises ValueError with a reason."""

    generator: str
    version: int
    columns: Mapping[str, str]
    when: Callable[[object, int], datetime]

    def read(self, record: Record, position: int) -> ImportedRow:
        """Raises SafelightError with the reason why this row is no generation."""
        told = {field: _plain(record.values.get(column)) for field, column in self.columns.items()}
        try:
            at = self.when(told.pop("created_at", None), position)
            images = {field: _vector(field, told.pop(field, None)) for field in (IMAGE_EMBEDDING, PROMPT_EMBEDDING)}
            image = _image(told.pop(IMAGE, None))
            seen = _seen(told.pop(SEEN, None))
            document = self._document(told)
        except ValueError as error:
            raise SafelightError(Kind.INVALID, "row_invalid", f"{error}.") from error
        own = document.pop("id", None)
        shown = seen.image_embedding if image is None and seen is not None else _name(image)
        identity = {"id": own, "generator": self.generator} if own else {**document, "image": shown}
        account = _account(document, at, _digest(identity))
        return ImportedRow(
            line=record.line,
            account=account,
            # What was kept from people is not kept here either.
            image=image if account.outcome is Outcome.SERVED else None,
            image_embedding=images[IMAGE_EMBEDDING],
            prompt_embedding=images[PROMPT_EMBEDDING],
            seen=seen if account.outcome is Outcome.SERVED else None,
        )

    def _document(self, told: Mapping[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {"generator": self.generator, "version": self.version, "parameters": {}}
        for field, value in told.items():
            if value is None:
                continue
            name = field.removeprefix(PARAMETER_PREFIX)
            target = document["parameters"] if field in PARAMETERS or name != field else document
            target[name] = _typed(name, value)
        return document


def _account(document: dict[str, Any], at: datetime, digest: bytes) -> Account:
    """The same row gives the same ids whenever it is read: whoever imports it twice has it once."""
    random = int.from_bytes(digest[:10], "big")
    identifier = UUID(int=first_id_at(at).int | (random >> 62 & 0xFFF) << 64 | random & (1 << 62) - 1)
    document = {"request_id": str(UUID(bytes=digest[:16], version=5)), **document}
    document |= {"id": str(identifier), "created_at": at.isoformat()}
    try:
        return Account.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise refusal(error) from None
    except TypeError:
        why = "A parameter is neither text nor a number nor yes or no. Leave its column out of --map."
        raise SafelightError(Kind.INVALID, "row_invalid", why) from None


def _digest(identity: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode("utf-8", "replace")).digest()


def _typed(name: str, value: Any) -> Any:
    """CSV knows text only, and JSON and Parquet write numbers as they please, and Parquet texts as bytes."""
    if isinstance(value, bytes):
        value = _words(name, value)
    if name in _REAL:
        return _real(name, value)
    if name in _WHOLE:
        return _whole(name, value)
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if name in Account.model_fields else value


def _words(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not text in UTF-8") from None


def _real(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not a number") from None


def _whole(name: str, value: Any) -> int:
    try:
        return int(str(value))  # not by way of a float, which would round large seeds
    except ValueError:
        number = _real(name, value)
    if not number.is_integer():
        raise ValueError(f"{name} is not a whole number")
    return int(number)


def _plain(value: Any) -> Any:
    """Parquet and pandas write a missing number as NaN, which says no more than nothing."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _image(value: Any) -> bytes | str | None:
    match value:
        case None | bytes() | str():
            return value
        case {"bytes": bytes(content)}:
            return content
        case {"path": str(path)}:
            return path
        case _:
            raise ValueError("image is neither bytes nor a path")


def _seen(value: Any) -> Seen | None:
    """Raises SafelightError `invalid_submission`, which names the field of it, or ValueError."""
    if value is None:
        return None
    try:
        return Seen.model_validate_json(value) if isinstance(value, str) else Seen.model_validate(value)
    except ValidationError as error:
        raise refusal(error) from None


def _name(image: bytes | str | None) -> str | None:
    return hashlib.sha256(image).hexdigest() if isinstance(image, bytes) else image


def _vector(field: str, value: Any) -> NDArray[np.float32] | None:
    """Unit length: what is compared are directions."""
    if value is None:
        return None
    try:
        vector = np.asarray(json.loads(value) if isinstance(value, str) else value, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{field} is not a list of numbers") from None
    length = float(np.linalg.norm(vector)) if vector.ndim == 1 and vector.size else 0.0
    if not (math.isfinite(length) and length > 0):
        raise ValueError(f"{field} is not a list of finite numbers with a length")
    return np.asarray(vector / length, np.float32)

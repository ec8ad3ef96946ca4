"""Probe sets: what may stand in one, and where one comes from."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from registry.manifest import Manifest
from registry.parameters import MAX_SEED, ParameterError, Requested
from safelight.errors import Kind, SafelightError
from safelight.store.generations import StoredGeneration

SYNTHETIC = "synthetic"
"""The set that ships: simple scenes, some of them in other words and some with a slip of the pen."""
FEWEST = 16
MOST = 1024
_PARAMETERS = ("negative_prompt", "width", "height", "steps", "guidance")


class Variant(StrEnum):
    """How a probe words the scene of another one."""

    PARAPHRASE = "paraphrase"
    TYPO = "typo"


class Probe(BaseModel):
    """One prompt with its seed. What is left out is the version's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    seed: int = Field(ge=0, le=MAX_SEED)
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = Field(None, allow_inf_nan=False)
    variant: Variant | None = Field(None, description="Set where it words the scene of another probe")
    of: int | None = Field(None, ge=0, description="The place of that other probe, counted from 0")

    @property
    def requested(self) -> Requested:
        return Requested(**self.model_dump(exclude={"variant", "of"}), n=1)

    def document(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def read(documents: Iterable[Mapping[str, Any]]) -> list[Probe]:
    """Probes from their documents; a seed that is left out is the probe's place.

    Raises SafelightError `probe_set_invalid`, which names the probe, counted from 1, and what is wrong with it.
    """
    probes = []
    for place, document in enumerate(documents):
        try:
            probes.append(Probe.model_validate({"seed": place, **document}))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"])) or "probe"
            raise _invalid(place, f"{field}: {first['msg']}") from None
        if len(probes) > MOST:
            raise SafelightError(Kind.TOO_LARGE, "probe_set_invalid", f"A set holds at most {MOST} probes.")
    _check_variants(probes)
    plain = sum(probe.variant is None for probe in probes)
    if plain < FEWEST:
        raise SafelightError(
            Kind.INVALID,
            "probe_set_invalid",
            f"{plain} probes are too few to tell a change from chance; a set needs {FEWEST} besides variants, and 128 "
            "let an alarm be confirmed.",
        )
    return probes


def read_csv(text: str) -> list[Probe]:
    """From CSV with a header: prompt, and any of the other fields; an empty cell leaves a field out.

    Raises SafelightError `probe_set_invalid`.
    """
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if "prompt" not in (table.fieldnames or ()):
            raise SafelightError(
                Kind.INVALID, "probe_set_invalid", "The first line names the columns, and 'prompt' is not among them."
            )
        rows = [{name: cell for name, cell in row.items() if cell not in (None, "")} for row in table]
    except csv.Error as error:
        raise SafelightError(Kind.INVALID, "probe_set_invalid", f"line {table.line_num or 1}: {error}") from None
    return read(rows)


def read_lines(text: str) -> list[Probe]:
    """From JSON lines, one probe each. Raises SafelightError `probe_set_invalid`."""
    return read(_objects(text))


def synthetic() -> list[Probe]:
    """The set that ships."""
    return read_lines(files("safelight.probing").joinpath("synthetic.jsonl").read_text("utf-8"))


def drawn(generations: Iterable[StoredGeneration], count: int) -> list[Probe]:
    """What people asked for lately, each prompt once, at most `count`. Raises SafelightError `probe_set_invalid`."""
    chosen: dict[str, Probe] = {}
    for made in generations:
        if made.prompt in chosen or made.seed is None or not 0 <= made.seed <= MAX_SEED:
            continue
        asked = {
            name: made.parameters.get(name) for name in ("negative_prompt", "width", "height", "steps", "guidance")
        }
        known = {name: value for name, value in asked.items() if value not in (None, "")}
        chosen[made.prompt] = Probe(prompt=made.prompt, seed=made.seed, **known)
        if len(chosen) == count:
            break
    return read(probe.document() for probe in chosen.values())


def check(probes: Sequence[Probe], manifest: Manifest) -> None:
    """That a version can make every probe. Raises SafelightError `probe_set_invalid`."""
    for place, probe in enumerate(probes):
        try:
            manifest.resolve(probe.requested, fallback_seed=0)
        except ParameterError as error:
            raise _invalid(place, error.message) from error


def _objects(text: str) -> Iterator[dict[str, Any]]:
    # Not at every character that Unicode ends a line with: JSON allows most of them within a text.
    for place, line in enumerate(text.rstrip().split("\n")):
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):  # also a number of thousands of digits, and a list in a list in a list
            raise _invalid(place, "this is not one JSON object on one line") from None
        if not isinstance(document, dict):
            raise _invalid(place, "this is not a JSON object")
        yield document


def _check_variants(probes: Sequence[Probe]) -> None:
    for place, probe in enumerate(probes):
        if (probe.variant is None) != (probe.of is None):
            raise _invalid(place, "'variant' and 'of' go together")
        if probe.of is not None and (probe.of >= len(probes) or probes[probe.of].variant is not None):
            raise _invalid(place, "'of' is not the place of a probe that is itself no variant")


def _invalid(place: int, why: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "probe_set_invalid", f"probe {place + 1}: {why}", probe=place + 1)

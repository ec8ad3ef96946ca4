"""Whatever the documents and the runbooks name is there: commands, options, requests, settings, pages and places."""

import io
import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel
from typer.core import TyperGroup

from safelight.api import openapi
from safelight.cli import app
from safelight.settings import Settings
from tests.unit.documentation.reading import DOCUMENTS, ROOT, Code, anchors, calls, codes, links, names, requests

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)

# -------------------------------------------------------------------------------------------------------- commands


@every_document
def test_a_command_takes_what_it_is_given(document: Path) -> None:
    assert [fault for code in codes(document) for words in calls(code) for fault in faults(words, code.block)] == []


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("safelight frobnicate", "there is no 'frobnicate'"),
        ("safelight ledger frobnicate", "there is no 'ledger frobnicate'"),
        ("safelight guard stop --because=it", "'guard stop' has no --because"),
        ("safelight channel add on-call --kind pigeon", "'channel add' knows no --kind pigeon"),
        ("safelight rollback one two", "'rollback' takes no 'two'"),
        ("safelight register portraits", "'register' wants more than ['portraits']"),
        ("safelight backfill portraits --hours", "'backfill' wants a value of --hours"),
    ],
)
def test_a_command_that_cannot_be_is_found(call: str, fault: str) -> None:
    (words,) = calls(Code(call, "sh"))
    assert list(faults(words, whole=True)) == [fault]


def faults(words: list[str], whole: bool) -> Iterator[str]:
    """Why a call cannot be; a `whole` one is to be typed as it stands, another may leave out what it is given."""
    command, name, words = found(words)
    if command is None:
        yield f"there is no '{name}'"
    elif not isinstance(command, TyperGroup):
        yield from (f"'{name}' {fault}" for fault in _faults(command, words, whole))


def found(words: list[str]) -> tuple[Any, str, list[str]]:
    """The command that the first words name, its name and the words left. `VERB` stands for any: the group itself."""
    command: Any = typer.main.get_group(app)
    context, name = typer.Context(command), ""
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-") and not words[0].isupper():
        name = f"{name} {words[0]}".strip()
        command = command.get_command(context, words[0])
        words = words[1:]
    return command, name, words


def _faults(command: Any, words: list[str], whole: bool) -> Iterator[str]:
    options = {way: each for each in command.params for way in (*each.opts, *each.secondary_opts) if way[0] == "-"}
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    given: list[str] = []
    rest = iter(words)
    for word in rest:
        way, _, value = word.partition("=")
        if not word.startswith("--"):
            given.append(word)
        elif way not in options and way != "--help":
            yield f"has no {way}"
        elif way in options and not options[way].is_flag:
            value = value or next(rest, "")
            if not value and whole:
                yield f"wants a value of {way}"
            elif value and not _among(options[way], value):
                yield f"knows no {way} {value}"
    if len(given) > len(arguments) and all(each.nargs == 1 for each in arguments):
        yield f"takes no '{given[-1]}'"
    if whole and len(given) < sum(each.required for each in arguments):
        yield f"wants more than {given}"


def _among(option: Any, value: str) -> bool:
    annotation = option.type_descriptor.annotation
    types = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
    enums = [each for each in types if issubclass(each, Enum)]
    return not enums or value.isupper() or value in {str(each.value) for enum in enums for each in enum}


# -------------------------------------------------------------------------------------------------------- requests


@cache
def operations() -> list[tuple[str, list[str], set[str]]]:
    """Of each: the method, the segments of its path, and what may be asked in the query."""
    with redirect_stdout(io.StringIO()) as printed:
        openapi.main()
    return [
        (
            method.upper(),
            path.split("/")[1:],
            {each["name"] for each in how.get("parameters", ()) if each["in"] == "query"},
        )
        for path, methods in json.loads(printed.getvalue())["paths"].items()
        for method, how in methods.items()
    ]


@every_document
def test_a_request_is_answered(document: Path) -> None:
    named = [request for code in codes(document) for request in requests(code)]
    assert [each for each in named if not answered(each.method, each.path)] == []
    # The API takes a body without its type for no JSON, and curl sends one as a form's.
    assert [each for each in named if each.body and not each.json] == []


@pytest.mark.parametrize(
    "line",
    [
        "GET /api/v1/frobs",
        "PUT /api/v1/incidents/{id}",
        "GET /api/v1/live?when=now",
        "POST .../frob",
        "GET /v1/images/x/y",
    ],
)
def test_a_request_that_nobody_answers_is_found(line: str) -> None:
    (request,) = requests(Code(f"or {line}"))
    assert not answered(request.method, request.path)


def answered(method: str, path: str) -> bool:
    """Words in capitals and in braces stand for any value; a path that begins with dots is the end of one."""
    where, _, query = path.partition("?")
    asked = {each.partition("=")[0] for each in query.split("&") if each}
    segments = where.strip("/").split("/")
    tail = segments[0] == "..."
    segments = segments[1:] if tail else segments
    return any(
        (not method or method == each)
        and asked <= names
        and (len(template) == len(segments) or (tail and len(template) > len(segments)))
        and all(map(_fits, segments, template[-len(segments) :]))
        for each, template, names in operations()
    )


def _fits(segment: str, template: str) -> bool:
    return template.startswith("{") or segment == template or segment.isupper()


# -------------------------------------------------------------------------------------------------------- settings

TELLING = [*DOCUMENTS, ROOT / ".env.example"]
VARIABLE = re.compile(r"\bSAFELIGHT_[A-Z_]+\*?")


def settable(model: type[BaseModel] = Settings, within: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name of each setting, and its default."""
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from settable(type(default), f"{within}{name}.")
        else:
            yield f"{within}{name}", default


SETTINGS = dict(settable())
OF_OTHERS = {"ray.init"}
SECTIONS = {name.partition(".")[0] for name in SETTINGS if "." in name}


@pytest.mark.parametrize("document", TELLING, ids=lambda path: path.name)
def test_a_variable_that_is_named_is_read(document: Path) -> None:
    read = {f"SAFELIGHT_{name.replace('.', '__').upper()}" for name in SETTINGS} | {"SAFELIGHT_CONFIG"}
    read |= set(re.findall(r"\$\{(SAFELIGHT_\w+)", (ROOT / "docker-compose.yml").read_text()))
    named = set(VARIABLE.findall(document.read_text())) - {"SAFELIGHT_*"}
    assert {name for name in named if not any(name == each or _begins(name, each) for each in read)} == set()


def _begins(name: str, variable: str) -> bool:
    return name.endswith("*") and variable.startswith(name.removesuffix("*"))


@every_document
def test_a_setting_that_is_named_can_be_set(document: Path) -> None:
    told = [each.text.partition(" =")[0] for each in codes(document) if not each.block]
    named = {name for name in told if re.fullmatch(r"[a-z]+\.[a-z_]+", name) and name.partition(".")[0] in SECTIONS}
    for toml in (tomllib.loads(each.text) for each in codes(document) if each.language == "toml"):
        named |= {f"{section}.{name}" for section in toml.keys() & SECTIONS for name in toml[section]}
    assert named - SETTINGS.keys() - OF_OTHERS == set()


@every_document
def test_a_default_that_is_told_holds(document: Path) -> None:
    told = re.findall(r"`([a-z]+\.[a-z_]+)` \(([\d,.]*\d)[;)]", document.read_text())
    assert {name: float(value.replace(",", "")) for name, value in told} == {name: SETTINGS[name] for name, _ in told}


# -------------------------------------------------------------------------------------------------------- the page


def test_what_a_runbook_says_to_press_is_on_the_page() -> None:
    source = "".join(path.read_text() for path in (ROOT / "platform" / "web" / "src").rglob("*.tsx"))
    told = {name for document in DOCUMENTS if document.parent.name == "runbook_texts" for name in names(document)}
    assert len(told) > 3
    assert {name for name in told if name not in source} == set()


# ----------------------------------------------------------------------------------------------------------- links


@every_document
def test_a_link_leads_somewhere(document: Path) -> None:
    inside = [link.partition("#") for link in links(document) if "://" not in link]
    places = [((document.parent / path if path else document), anchor) for path, _, anchor in inside]
    assert [str(page) for page, _ in places if not page.exists()] == []
    assert [f"{page.name}#{anchor}" for page, anchor in places if anchor and anchor not in anchors(page)] == []

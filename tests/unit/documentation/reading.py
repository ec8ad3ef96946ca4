"""What the documents say in code: commands, requests, settings; and where their links lead."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[3]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("platform/safelight/responding/runbook_texts/*.md")),
]

_SHELL = {"", "sh", "bash", "console"}
_CALL = re.compile(r"(?<![\w./:-])safelight +(?P<words>[A-Za-z-].*)")
_METHODS = "GET|POST|PUT|PATCH|DELETE"
_REQUEST = re.compile(
    rf"(?:\b(?P<methods>(?:{_METHODS})(?:\|(?:{_METHODS}))*) +)?"
    r"(?P<host>https?://[\w.:-]+)?(?P<path>(?:/api/v1/|/v1/images|/v1/models|(?<=\s)\.\.\./)[^\s\"'`),\]]*)"
)
_BODY = re.compile(r" (?:-d|--data\S*|--json)\b")
_TEMPLATED = re.compile(r"\{\{[^}]*\}\}")


@dataclass(frozen=True)
class Code:
    """Words set as code. A block is to be typed as it stands; what stands within a sentence may only be a name."""

    text: str
    language: str | None = None

    @property
    def block(self) -> bool:
        return self.language is not None

    @property
    def lines(self) -> list[str]:
        """What a shell takes for one line each."""
        return re.sub(r"\\\n\s*", " ", self.text).splitlines() if self.block else [" ".join(self.text.split())]


@dataclass(frozen=True)
class Request:
    """`method` is empty where the path alone is named; `body` is whether one is sent, `json` whether as JSON."""

    method: str
    path: str
    body: bool = False
    json: bool = False


def codes(document: Path) -> list[Code]:
    return [
        Code(token.content, None if token.type == "code_inline" else token.info.partition(" ")[0])
        for token in _tokens(document)
        if token.type in ("code_inline", "code_block", "fence")
    ]


def calls(code: Code) -> Iterator[list[str]]:
    """The words behind `safelight` of each call: options and arguments, up to where the shell ends the command."""
    if code.language in _SHELL or not code.block:
        for line in code.lines:
            yield from (_words(found["words"]) for found in _CALL.finditer(line))


def requests(code: Code) -> Iterator[Request]:
    for line in code.lines:
        curl = re.search(r"\bcurl\b", line) is not None
        said, body = re.search(rf"-X ({_METHODS})\b", line), _BODY.search(line) is not None
        for found in _REQUEST.finditer(_TEMPLATED.sub("{value}", line)):
            path = found["path"].rstrip(".,;:")
            if curl:
                method = said[1] if said else "POST" if body else "GET"
                yield Request(method, path, body, "json" in line)
            else:
                yield from (Request(method, path) for method in (found["methods"] or "").split("|"))


def links(document: Path) -> list[str]:
    attribute = {"link_open": "href", "image": "src"}
    return [str(token.attrs[attribute[token.type]]) for token in _tokens(document) if token.type in attribute]


def names(document: Path) -> list[str]:
    """What is set in italics with a capital: so a runbook names what is on the page."""
    said, within = [""], False
    for token in _tokens(document):
        if token.type in ("em_open", "em_close"):
            within = token.type == "em_open"
            said.append("")
        elif within:
            said[-1] += " " if token.type == "softbreak" else token.content
    return [each for each in said if each[:1].isupper()]


def anchors(document: Path) -> set[str]:
    """Of the headings, as the places that show Markdown make them: small letters, hyphens for spaces, no signs."""
    tokens = MarkdownIt("commonmark").parse(document.read_text())
    headings = [text.content for head, text in pairwise(tokens) if head.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words = []
    for word in lexer:
        if set(word) <= set("();<>|&"):
            break
        words.append(word)
    return [word for word in words if word != "..."]


def _tokens(document: Path) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(document.read_text()):
        yield from token.children if token.type == "inline" and token.children else [token]

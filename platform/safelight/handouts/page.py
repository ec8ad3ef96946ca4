"""From a document to its page. The only file that knows Jinja."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from monitors.windows import spoken

_NOTHING = "-"
_MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|"})


def render(template: str, **content: object) -> str:
    """The page of a template in this folder. Everything in HTML and SVG is escaped, prompts above all.

    In Markdown a template escapes what people wrote, by `line`.
    """
    return _environment().get_template(template).render(**content)


def stream(template: str, **content: object) -> Iterator[str]:
    """The same, in pieces, for what is too long to be held."""
    return _environment().get_template(template).generate(**content)


def number(value: float | None, digits: int = 3) -> str:
    """A figure as people read it; a dash where there is none."""
    if value is None:
        return _NOTHING
    if isinstance(value, int) or (value == int(value) and abs(value) >= 1):
        return f"{int(value):,}"
    return f"{value:,.{digits}g}"


def percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1%}" if value >= 0.001 or value == 0 else f"{value:.2%}"


def chance(value: float | None) -> str:
    """A p-value."""
    if value is None:
        return _NOTHING
    return "below 1e-300" if value < 1e-300 else f"{value:.1e}" if value < 1e-3 else f"{value:.3f}"


def when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def line(text: str) -> str:
    """What somebody wrote, as one line of Markdown that says it literally."""
    return " ".join(text.split()).translate(_MARKUP)


def picture(webp: bytes) -> str:
    """A WebP image as an address that holds it."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("safelight.handouts"),
        autoescape=select_autoescape(disabled_extensions=("md",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "chance": chance,
        "when": when,
        "picture": picture,
        "line": line,
        "spoken": spoken,
    }
    return environment

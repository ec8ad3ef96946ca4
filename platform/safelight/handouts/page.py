"""From a document to its page. The only file that knows Jinja."""

import base64
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitors.windows import spoken

_NOTHING = "-"


def render(template: str, **content: object) -> str:
    """The page of a template in this folder. Everything in it is escaped, prompts above all."""
    return _environment().get_template(template).render(**content)


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


def picture(webp: bytes) -> str:
    """A WebP image as an address that holds it."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("safelight.handouts"),
        autoescape=True,
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
        "spoken": spoken,
    }
    return environment

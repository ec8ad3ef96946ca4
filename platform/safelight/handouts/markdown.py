"""Markdown as HTML. The only file that knows markdown-it."""

from functools import cache

from markdown_it import MarkdownIt


def to_html(text: str) -> str:
    """CommonMark and tables. HTML in it is shown as it was typed; links lead to web addresses only."""
    html: str = _parser().render(text)
    return html


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")

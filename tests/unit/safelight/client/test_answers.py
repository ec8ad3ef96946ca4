"""What an answer means for the records that were sent."""

from typing import Any

import pytest

from safelight.client.answers import Halve, Meaning, Never, Taken, TryAgain, meaning, pause


def lines(*codes: str | None) -> dict[str, Any]:
    return {"lines": [{"line": 1} | ({} if code is None else {"code": code, "detail": "why"}) for code in codes]}


@pytest.mark.parametrize(
    ("status", "headers", "body", "means"),
    [
        (202, {}, lines(None, None), Taken()),
        (202, {}, lines(None, "invalid_submission"), Taken(refused=(1,), why="invalid_submission why")),
        (202, {}, lines("journal_full", "embedder_unknown"), Taken(again=(0, 1), why="journal_full why")),
        (202, {}, lines(None), TryAgain("202")),
        (202, {}, {"lines": "two"}, TryAgain("202")),
        (202, {}, None, TryAgain("202")),
        (200, {}, "<html>", TryAgain("200")),
        (302, {}, None, TryAgain("302")),
        (401, {}, {"code": "not_authenticated"}, TryAgain("401 not_authenticated")),
        (403, {}, {"code": "not_allowed"}, TryAgain("403 not_allowed")),
        (404, {}, None, TryAgain("404")),
        (429, {"retry-after": "7"}, {"code": "busy"}, TryAgain("429 busy", 7.0)),
        (503, {"retry-after": "86400"}, None, TryAgain("503", 300.0)),
        (503, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None, TryAgain("503")),
        (500, {}, ["not", "an", "object"], TryAgain("500")),
        (413, {}, None, Halve()),
        (400, {}, None, Never("400")),
        (422, {}, {"code": "content_type_unsupported"}, Never("422 content_type_unsupported")),
    ],
)
def test_the_meaning(status: int, headers: dict[str, str], body: Any, means: Meaning) -> None:
    assert meaning(2, status, headers, body) == means


@pytest.mark.parametrize("line", ["x", None, 3, []])
def test_lines_that_are_no_objects_are_not_understood(line: Any) -> None:
    assert meaning(1, 202, {}, {"lines": [line]}) == TryAgain("202")


def test_pauses_double_up_to_half_a_minute_and_are_spread() -> None:
    assert [pause(n, 1.0) for n in (1, 2, 3, 8, 9, 10_000)] == [0.25, 0.5, 1.0, 30.0, 30.0, 30.0]
    assert pause(1, 0.0) == 0.125

"""The five lines of docs/watch-first.md, as they are typed there, in a service that must notice nothing."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from tests.integration.client.conftest import Moody

DOCUMENT = Path(__file__).parents[3] / "docs" / "watch-first.md"
_FENCED = re.compile(r"^```python service\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 60.0

Service = tuple[FastAPI, Any]


@pytest.fixture
def service(moody: Moody) -> Iterator[Service]:
    (block,) = _FENCED.findall(DOCUMENT.read_text())
    given: dict[str, Any] = {
        "app": FastAPI(),
        "Response": Response,
        "SAFELIGHT": moody.url,
        "KEY": "a key",
        "paint": lambda prompt: b"\x89PNG of " + prompt.encode(),
    }
    exec(compile(block, "watch-first.md", "exec"), given)  # noqa: S102 - it is what our reader types
    yield given["app"], given["recorder"]
    given["recorder"]._flush_seconds = 0.1
    given["recorder"].close()


def ask(app: FastAPI, prompts: list[str]) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await asyncio.gather(*(client.post("/images", params={"prompt": each}) for each in prompts))

    return asyncio.run(all_of_them())


def down(moody: Moody) -> None:
    moody.stop()


def in_a_mood(mood: int | str) -> Callable[[Moody], None]:
    def change(moody: Moody) -> None:
        moody.mood = mood

    return change


@pytest.mark.parametrize(
    ("becomes", "kept"),
    [
        (lambda _: None, True),
        (down, True),
        (in_a_mood("slow"), True),
        (in_a_mood("torn"), True),
        (in_a_mood(401), True),
        (in_a_mood(500), True),
        (in_a_mood(413), False),
    ],
    ids=["well", "down", "slow", "torn", "401", "500", "413"],
)
def test_whatever_safelight_does_the_service_answers_and_it_is_told_later(
    moody: Moody, service: Service, becomes: Callable[[Moody], None], kept: bool
) -> None:
    app, recorder = service
    becomes(moody)
    before = [f"before {n}" for n in range(20)]
    answers = ask(app, before)
    assert [answer.status_code for answer in answers] == [200] * 20
    assert {answer.content for answer in answers} == {b"\x89PNG of " + prompt.encode() for prompt in before}
    if not kept:
        assert recorder.flush(PATIENCE)

    moody.over.set()
    moody.mood = "well"
    if moody.server is None:
        moody.start()
    after = [f"after {n}" for n in range(20)]
    assert {answer.status_code for answer in ask(app, after)} == {200}
    assert recorder.flush(PATIENCE)
    assert sorted({record["prompt"] for record in moody.taken}) == sorted(before + after if kept else after)
    assert recorder.status().sent == (40 if kept else 20)
    assert sum(recorder.status().dropped.values()) == (0 if kept else 20)

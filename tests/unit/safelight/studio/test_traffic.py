import asyncio
import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from safelight.studio.prompts import PromptRequest
from safelight.studio.traffic import Tally, Traffic, daily_rate

FAST = 2000.0


def cats(n: int = 1) -> Iterator[PromptRequest]:
    seed = 0
    while True:
        seed += 1
        yield PromptRequest("a cat", seed, n=n)


def drive(
    answer: Callable[[httpx.Request], httpx.Response],
    images: int,
    *,
    n: int = 1,
    rate: float = FAST,
    requests: Iterator[PromptRequest] | None = None,
) -> Tally:
    async def run() -> Tally:
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(answer), base_url="http://safelight", headers={"Authorization": "Bearer key"}
        ) as client:
            return await Traffic(client, "studio", requests or cats(n), lambda: rate, concurrency=3).run(images)

    return asyncio.run(run())


def test_sends_what_the_native_api_expects() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    tuned = iter([PromptRequest("a cat", 7), PromptRequest("a dog", 8, n=2, steps=6, guidance=2.0)])
    assert drive(answer, 3, requests=tuned) == Tally(requests=2, images=3)
    assert [json.loads(request.content) for request in seen] == [
        {"generator": "studio", "prompt": "a cat", "seed": 7, "n": 1},
        {"generator": "studio", "prompt": "a dog", "seed": 8, "n": 2, "steps": 6, "guidance": 2.0},
    ]
    assert seen[0].url.path == "/api/v1/generations"
    assert seen[0].headers["authorization"] == "Bearer key"


def test_counts_refused_and_failed_and_goes_on() -> None:
    answers = iter([429, 200, 503, 500, 200])
    tally = drive(lambda _: httpx.Response(next(answers), headers={"retry-after": "0"}), 5)
    assert tally == Tally(requests=5, images=2, refused=2, failed=1)


def test_a_server_that_is_away_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.studio.traffic._PAUSE_S", 0.01)

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert drive(away, 2) == Tally(requests=2, failed=2)


def test_retry_after_holds_everything_back() -> None:
    async def run() -> tuple[float, Tally]:
        answers = iter([httpx.Response(429, headers={"retry-after": "1"}), httpx.Response(200)])
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(lambda _: next(answers)), base_url="http://safelight"
        ) as client:
            started = asyncio.get_running_loop().time()
            tally = await Traffic(client, "studio", cats(), lambda: 20.0, concurrency=1).run(2)
            return asyncio.get_running_loop().time() - started, tally

    seconds, tally = asyncio.run(run())
    assert tally == Tally(requests=2, images=1, refused=1)
    assert seconds >= 1.0


def test_rate_counts_images_not_requests() -> None:
    async def run(n: int) -> float:
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(lambda _: httpx.Response(200)), base_url="http://safelight"
        ) as client:
            started = asyncio.get_running_loop().time()
            await Traffic(client, "studio", cats(n), lambda: 40.0).run(16)
            return asyncio.get_running_loop().time() - started

    # Sixteen images at forty a second take at least as long as all but the last request must wait for.
    assert asyncio.run(run(1)) >= 15 / 40
    assert asyncio.run(run(4)) >= 12 / 40


def test_never_more_in_flight_than_allowed() -> None:
    async def run() -> int:
        in_flight = most = 0

        async def slow(_: httpx.Request) -> httpx.Response:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0.005)
            in_flight -= 1
            return httpx.Response(200)

        async with httpx.AsyncClient(transport=httpx.MockTransport(slow), base_url="http://safelight") as client:
            await Traffic(client, "studio", cats(), lambda: FAST, concurrency=3).run(30)
        return most

    assert asyncio.run(run()) == 3


def test_day_has_its_quiet_and_its_busy_hours() -> None:
    rates = [daily_rate(2.0, hour) for hour in range(24)]
    assert max(rates) == pytest.approx(3.0)
    assert min(rates) == pytest.approx(1.0)
    assert sum(rates) / 24 == pytest.approx(2.0)

"""A browser in front of a Safelight that is really running: the studio's generator, its traffic, its monitors."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from safelight.clock import SystemClock
from safelight.comparing.documents import DailyReport, DayFigures, DaysApart, DayTrend, Departure, Figure
from safelight.ids import first_id_at
from safelight.store import attributes, backfills, daily_reports, incidents, releases
from safelight.store.attributes import Attribute, Reading
from safelight.store.database import Database, Session
from safelight.studio.demo import GENERATOR
from safelight.studio.rehearsal import Rehearsal, rehearsal

WEB = Path(__file__).parents[2] / "platform" / "web"
CHROMIUM = "/usr/bin/chromium"
IMAGES_A_SECOND = 1.0
IMAGES_BEFORE_TESTS = 20
_READY_WITHIN = 300.0

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

expect.set_options(timeout=20_000)  # the machine that runs the tests makes the images too


@dataclass(frozen=True)
class Studio:
    """The running Safelight, and a key of each role."""

    running: Rehearsal
    keys: dict[str, str]

    @property
    def url(self) -> str:
        return self.running.url

    @cached_property
    def client(self) -> httpx.Client:
        return self.running.client(self.keys["admin"])

    @property
    def database(self) -> Database:
        return Database(f"sqlite:///{Path(self.running.environment['SAFELIGHT_DATA_DIR']) / 'safelight.db'}")

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def serving(self) -> int | None:
        served = self.get("/api/v1/generators")["items"]
        return served[0]["serving"]["version"] if served and served[0]["serving"] else None

    def wait_until_serving(self, version: int, seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while self.serving() != version or self.get("/api/v1/generators")["items"][0]["open_release"]:
            assert time.monotonic() < deadline, f"version {version} does not serve after {seconds:.0f} s"
            time.sleep(0.3)

    @contextmanager
    def api_frozen(self) -> Iterator[None]:
        """While inside, the API holds its connections and says nothing."""
        assert self.running._process is not None
        supervisor = Path(f"/proc/{self.running._process.pid}")
        children = (supervisor / "task" / supervisor.name / "children").read_text().split()
        api = next(int(pid) for pid in children if Path(f"/proc/{pid}/cmdline").read_text().endswith("\0api\0"))
        os.kill(api, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(api, signal.SIGCONT)


@pytest.fixture(scope="package")
def studio() -> Iterator[Studio]:
    """Version 2 serves, version 1 is the way back, and there are scored images to look at."""
    with rehearsal(IMAGES_A_SECOND) as running:
        keys = {role: running.key(role) for role in ("viewer", "client", "operator", "admin")}
        found = Studio(running, keys)
        deadline = time.monotonic() + _READY_WITHIN
        while not (found.serving() == 2 and _scored(found) >= IMAGES_BEFORE_TESTS):
            assert time.monotonic() < deadline, "the studio has made no images"
            time.sleep(0.5)
        found.wait_until_serving(2)
        yield found
        found.client.close()


def _scored(studio: Studio) -> int:
    page = studio.get("/api/v1/generations", generator=GENERATOR, version=2, limit=100)
    return sum(1 for each in page["items"] if each["score"])


@pytest.fixture(scope="package")
def incident(studio: Studio) -> UUID:
    """An open incident about version 2, with real images as its worst. How incidents come about is tested elsewhere."""
    made = studio.get("/api/v1/generations", generator=GENERATOR, version=2, outcome="served", limit=50)["items"]
    worst = sorted((each for each in made if each["score"]), key=lambda each: each["score"]["alignment"])[:6]
    evidence = {
        "worst_images": [{"id": each["id"], "alignment": each["score"]["alignment"], "blank": False} for each in worst],
        "signals": {"alignment": {"current": 0.61, "baseline": 0.79, "baseline_deviation": 0.12}},
        "report": {"columns": {"alignment": {"outcome": "drift", "p_value": 1e-6}}},
    }
    now = SystemClock().now()
    database = studio.database
    with database.transaction() as session:
        suspect = releases.page(session, GENERATOR, None, 1)[0]
        opened = incidents.open_incident(
            session,
            generator=GENERATOR,
            dedup_key="browser-tests",
            title="Version 2 of studio: alignment down",
            monitor="release_comparison",
            reason="alignment_down",
            verdict_id=None,
            suspect_version=2,
            suspect_release_id=suspect.id,
            suggested_target=1,
            evidence=evidence,
            now=now,
        )
        summary = "Prompts are followed less well."
        incidents.note(session, opened.id, "verdict", "safelight", summary, now, monitor="release_comparison")
    database.dispose()
    return opened.id


@pytest.fixture(scope="package")
def papers(studio: Studio) -> UUID:
    """What takes days to come about: daily reports, readings of an attribute, a backfill. The newest report's id."""
    database = studio.database
    with database.transaction() as session:
        put_papers(session, GENERATOR, 2, SystemClock().now())
        newest = daily_reports.page(session, GENERATOR, limit=1)[0].id
    database.dispose()
    return newest


def put_papers(session: Session, generator: str, version: int, now: datetime) -> None:
    rng, today = np.random.default_rng(4), now.replace(hour=0, minute=0, second=0, microsecond=0)
    days: list[DayFigures] = []
    for ago in range(10, 0, -1):
        day = today - timedelta(days=ago)
        level = 0.79 - 0.004 * (10 - ago) + rng.normal(0, 0.001)
        scanned = Departure(
            baseline="first-day",
            reason="within_budget",
            summary="Images, given their prompts, are as at the baseline.",
            effect=0.03 + 0.02 * (10 - ago),
            p_value=0.2,
            prompts_moved=0.04,
        )
        days.insert(
            0,
            DayFigures(
                day=day.date(),
                n=41_200 + 900 * ago,
                alignment=Figure(value=level, low=level - 0.004, high=level + 0.004, n=2_000),
                broken_rate=Figure(value=0.0012, low=0.0009, high=0.0016, n=41_200 + 900 * ago),
                departure=scanned if ago < 10 else None,
            ),
        )
        moves = Figure(value=-0.0041, low=-0.0046, high=-0.0036, n=len(days))
        few = Figure(value=None, n=len(days), needed=14)
        report = DailyReport(
            generator=generator,
            version=version,
            days=list(days),
            trends=[
                DayTrend(metric="alignment", slope=moves if len(days) > 4 else few, p_value=2e-6, steady=len(days) > 4),
                DayTrend(metric="broken_rate", slope=few, p_value=1.0, steady=False),
            ],
            apart=[
                DaysApart(
                    days=1,
                    images=Figure(value=0.0004, low=-0.0002, high=0.001, n=2_000),
                    prompts=Figure(value=None, n=120, needed=1_000),
                )
            ],
            summary="Over the last days alignment moves by -0.0041 a day: too steady to be chance."
            if len(days) > 4
            else "Nothing moves from day to day beyond chance, as far as so many days and images can tell.",
        )
        daily_reports.add(session, generator, day, version, report.model_dump(mode="json"), day + timedelta(days=1))
    people = ("a photo of a man", "a photo of a woman", "a photo of a child")
    weather = ("a clear sky", "a cloudy sky", "a sky at night")
    for name, about, options in (("doctors", "doctor", people), ("skies", "", weather)):
        attribute = Attribute(generator, name, about, options, now, "anna")
        attributes.put(session, attribute)
        for hour in range(24):
            counts = (180 + int(rng.integers(20)), 110 + int(rng.integers(20)), 9)
            slot = today - timedelta(hours=hour)
            attributes.keep(session, attribute, Reading(slot, version, "sha256:e", counts, 31))
    attributes.put(session, Attribute(generator, "unread", "", people[:2], now, "anna"))
    asked = backfills.add(
        session, generator=generator, start=now - timedelta(days=7), end=now, actor="anna", now=now - timedelta(hours=1)
    )
    backfills.begin(session, asked.id, "sha256:e", 1_200)
    backfills.advance(session, asked.id, first_id_at(now - timedelta(days=6)), 480, 3)


# Not for the whole session: Playwright keeps an event loop running in this thread as long as it lives.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    assert Path(CHROMIUM).exists(), "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as the page's own dependencies bring it."""
    file = WEB / "node_modules" / "axe-core" / "axe.min.js"
    assert file.exists(), "the page's packages are not installed: make page"
    return file.read_text()


@dataclass
class Desk:
    """Somebody at a browser of their own."""

    context: BrowserContext
    url: str

    def open(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.url + path)
        return page


@pytest.fixture
def desk(chromium: Browser, studio: Studio, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """An operator at a desk; `@pytest.mark.parametrize("desk", [{...}], indirect=True)` names another."""
    wanted: dict[str, Any] = getattr(request, "param", {})
    with seated(chromium, studio, **wanted) as found:
        yield found


@contextmanager
def seated(
    chromium: Browser, studio: Studio, *, role: str | None = "operator", phone: bool = False, scheme: str = "light"
) -> Iterator[Desk]:
    """A browser of one's own, logged in with a key of the role."""
    context = chromium.new_context(
        viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]  # a TypedDict of the same two keys
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=phone,
        is_mobile=phone,
        reduced_motion="reduce",
        base_url=studio.url,
    )
    try:
        if role is not None:
            login = context.request.post("/api/v1/session", data={"key": studio.keys[role]})
            assert login.ok, login.text()
        yield Desk(context, studio.url)
    finally:
        context.close()

"""No page breaks an accessibility rule, in light, in dark and on a phone; none is wider than its screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from safelight.studio.demo import GENERATOR

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, Studio

pytestmark = pytest.mark.timeout(600)

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""All that a page breaks by its colours alone, and so may break in the dark."""
PAGES = [
    "/",
    "/generations",
    "/generations?flag=broken",
    "/generations/{generation}",
    "/monitors",
    "/monitors/service_health",
    "/monitors/prompt_drift",
    "/probes",
    "/probes/{probes}",
    "/baselines",
    "/baselines/{baseline}",
    "/compare?a=1&b=2",
    "/reports",
    "/reports/{report}",
    "/attributes",
    "/backfills",
    "/jobs",
    "/versions",
    "/versions/2",
    "/releases",
    "/releases?tab=ledger",
    "/releases/{release}",
    "/incidents",
    "/incidents/{incident}",
    "/incidents/{incident}?rollback=1",
    "/audit",
    "/settings/policy",
    "/settings/notifications",
    "/settings/keys",
    "/nowhere",
]


@pytest.fixture(scope="module")
def addresses(studio: Studio, incident: UUID, papers: UUID) -> list[str]:
    generation = studio.get("/api/v1/generations", outcome="served", limit=1)["items"][0]["id"]
    release = studio.get("/api/v1/releases", limit=1)["items"][0]["id"]
    baseline = studio.get("/api/v1/baselines", generator=GENERATOR)["items"][0]["id"]
    probes = studio.get("/api/v1/probes/runs", generator=GENERATOR, limit=1)["items"][0]["id"]
    found = {"generation": generation, "release": release, "baseline": baseline, "probes": probes}
    return [path.format(**found, incident=incident, report=papers) for path in PAGES]


Look = Callable[[Page, str], list[str]]


def broken_rules(page: Page, axe: str, rules: object = RULES) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", rules)
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found["violations"]]


def broken_in_the_dark(page: Page, axe: str) -> list[str]:
    """What the page as it is breaks when evening comes."""
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    found = [f"in the dark {rule}" for rule in broken_rules(page, axe, OF_COLOURS)]
    page.emulate_media(color_scheme="light")
    return found


def settled(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)


@pytest.mark.parametrize(
    ("desk", "looks"),
    [
        pytest.param({"role": "admin"}, (broken_rules, broken_in_the_dark), id="desktop"),
        pytest.param({"role": "admin", "phone": True}, (broken_rules,), id="phone"),
    ],
    indirect=["desk"],
)
def test_every_page_is_accessible_and_fits(desk: Desk, looks: Sequence[Look], addresses: list[str], axe: str) -> None:
    page = desk.open("/")
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for address in addresses:
        page.goto(desk.url + address)
        settled(page)
        complaints += [f"{address} {rule}" for look in looks for rule in look(page, axe)]
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            complaints.append(f"{address} is {wider} px wider than the screen")
    assert complaints == []


@pytest.mark.parametrize("desk", [{"role": None}, {"role": None, "scheme": "dark", "phone": True}], indirect=True)
def test_the_login_is_accessible(desk: Desk, axe: str) -> None:
    page = desk.open("/login")
    settled(page)
    assert broken_rules(page, axe) == []


def test_the_palette_and_the_help_are_accessible(desk: Desk, axe: str) -> None:
    page = desk.open("/")
    settled(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert broken_rules(page, axe) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Go to")).to_be_focused()
    assert broken_rules(page, axe) == []

"""Looking around: what serves is said on every page, and what one looks at is in the address."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import Request, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, Studio

pytestmark = pytest.mark.timeout(600)


def test_the_first_screen_says_what_serves_how_it_fares_and_the_way_back(desk: Desk) -> None:
    page = desk.open("/")
    now = page.get_by_role("region", name="Serving now")
    expect(now).to_contain_text("v2")
    expect(now).to_contain_text(re.compile("Healthy|Inconclusive|Degraded|Error"))
    expect(page.get_by_role("button", name="Roll back to v1")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"Prompt alignment by version\..*v2: latest 0"))).to_be_visible()
    latest = page.get_by_role("list", name="Latest images").get_by_role("listitem")
    expect(latest.first).to_be_visible()
    assert latest.count() > 4
    # It is drawn as soon as it has come; one that is broken never is.
    page.wait_for_function("document.querySelector('[aria-label=\"Latest images\"] img').naturalWidth > 0")


def test_filters_are_in_the_address_and_survive_a_reload(desk: Desk, studio: Studio) -> None:
    page = desk.open("/generations")
    page.get_by_role("combobox", name="Version").click()
    page.get_by_role("option", name="v2").click()
    page.get_by_placeholder("Words in the prompt").fill("background")
    expect(page).to_have_url(re.compile("version=2&q=background"))
    expected = studio.get("/api/v1/generations", generator="studio", version=2, q="background", limit=1)["items"]
    assert expected
    page.reload()
    first = page.get_by_role("list", name="Generations").get_by_role("listitem").first
    expect(first).to_contain_text("background")
    page.get_by_placeholder("Words in the prompt").fill("no prompt has these words")
    expect(page.get_by_text("No generation matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(page).to_have_url(studio.url + "/generations")


def test_one_generation_shows_its_image_its_signals_and_what_a_replay_needs(desk: Desk, studio: Studio) -> None:
    made = studio.get("/api/v1/generations", generator="studio", outcome="served", limit=30)["items"]
    one = next(each for each in made if each["score"])
    page = desk.open(f"/generations/{one['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(one["prompt"])
    expect(page.get_by_role("img", name=re.compile("Made for the prompt"))).to_be_visible()
    expect(page.get_by_role("region", name="Replay envelope")).to_contain_text(str(one["seed"]))
    expect(page.get_by_role("region", name="Signals")).to_contain_text("Prompt alignment")


def test_a_thumb_is_counted_and_another_takes_it_back(desk: Desk, studio: Studio) -> None:
    made = studio.get("/api/v1/generations", generator="studio", outcome="served", limit=10)["items"][-1]
    page = desk.open(f"/generations/{made['id']}")
    feedback = page.get_by_role("region", name="Feedback")
    feedback.get_by_role("button", name="Thumb up").click()
    expect(feedback).to_contain_text("Thumbs up1 person")
    feedback.get_by_role("button", name="Thumb down").click()
    expect(feedback).to_contain_text("Thumbs upnobodyThumbs down1 person")


def test_days_and_parts_of_the_traffic_lead_to_what_they_name(desk: Desk, studio: Studio, papers: UUID) -> None:
    page = desk.open("/reports")
    page.get_by_role("table", name="Daily reports of studio").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"/reports/{papers}"))
    expect(page.get_by_role("region", name="From day to day")).to_contain_text("Too steady to be chance")
    made = studio.get("/api/v1/generations", generator="studio", outcome="served", limit=1)["items"][0]
    page.goto(f"{studio.url}/generations/{made['id']}")
    page.get_by_role("region", name="Made").get_by_role("link", name=made["replica"]).click()
    expect(page).to_have_url(re.compile(f"/generations\\?.*replica={re.escape(made['replica'])}"))
    expect(page.get_by_role("list", name="Generations").get_by_role("listitem").first).to_be_visible()


@pytest.mark.usefixtures("papers")
def test_an_attribute_is_watched_until_somebody_stops_it(desk: Desk) -> None:
    page = desk.open("/attributes")
    expect(page.get_by_role("region", name="doctors")).to_contain_text("a photo of a woman")
    page.get_by_role("button", name="Watch an attribute").click()
    page.get_by_label("Name").fill("nurses")
    page.get_by_label("Phrases").fill("a photo of a man\na photo of a woman")
    page.get_by_role("button", name="Watch it").click()
    expect(page.get_by_role("region", name="nurses")).to_be_visible()
    page.get_by_role("button", name="Stop watching nurses").click()
    page.get_by_role("button", name="Stop and forget its readings").click()
    expect(page.get_by_role("region", name="nurses")).to_have_count(0)


def test_a_range_freezes_into_the_link(desk: Desk) -> None:
    page = desk.open("/monitors")
    expect(page.get_by_role("heading", level=1)).to_have_text("Monitors")
    page.keyboard.press("t")
    page.get_by_role("menuitem", name="Last 15 minutes").click()
    expect(page).to_have_url(re.compile(r"range=15m"))
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile(r"from=\d{4}-.*&to=\d{4}-"))
    page.get_by_role("link", name="Overview").click()
    expect(page).to_have_url(re.compile(r"/\?from=\d{4}-.*&to=\d{4}-"))


def test_keys_lead_everywhere_but_act_on_nothing(desk: Desk, studio: Studio) -> None:
    page = desk.open("/")
    expect(page.get_by_role("button", name="Roll back to v1")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("v")
    expect(page.get_by_role("heading", level=1)).to_have_text("Versions")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Go to").fill("ledg rel")
    expect(page.get_by_text("Nothing is called that.")).to_be_visible()
    page.get_by_role("combobox", name="Go to").fill("releases")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Releases")
    page.keyboard.press("Shift+R")
    expect(page.get_by_role("dialog", name="Roll back studio to v1")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(studio.url + "/generations")
    page.get_by_placeholder("Words in the prompt").press_sequentially("gv?")
    expect(page).to_have_url(re.compile("q=gv%3F"))


def test_what_served_then(desk: Desk) -> None:
    page = desk.open("/releases?at=2020-01-01T00:00:00.000Z")
    expect(page.get_by_text("Nothing served then.")).to_be_visible()
    page.get_by_role("tab", name="Ledger").click()
    page.get_by_role("button", name="Verify all of it").click()
    expect(page.get_by_text("Chain verified")).to_be_visible()
    expect(page).to_have_url(re.compile("tab=ledger"))
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    assert started.value.path().read_text().startswith("generator,scope,kind")


def test_a_release_says_what_it_changed(desk: Desk) -> None:
    page = desk.open("/releases")
    page.get_by_role("table", name="Releases").get_by_role("link", name="Promote").first.click()
    different = page.get_by_role("region", name="What is different")
    expect(different.get_by_role("region", name="Weights")).to_contain_text("unet/diffusion_pytorch_model.safetensors")
    expect(different.get_by_role("region", name="Environment")).to_be_visible()


def test_an_auditor_gets_a_pack_of_evidence(desk: Desk) -> None:
    page = desk.open("/audit")
    with page.expect_download() as started:
        page.get_by_role("link", name="Get the pack").click()
    with zipfile.ZipFile(started.value.path()) as pack:
        assert "studio" in pack.read("index.html").decode()
        assert json.loads(pack.read("records/releases.json"))


def test_all_tabs_of_a_browser_share_one_stream(desk: Desk) -> None:
    opened: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/api/v1/stream"):
            opened.append(request.url)

    desk.context.on("request", note)
    first = desk.open("/")
    expect(first.get_by_role("status").filter(has_text="Live")).to_be_visible()
    second = desk.open("/versions")
    expect(second.get_by_role("status").filter(has_text="Live")).to_be_visible()
    assert len(opened) == 1
    first.close()
    second.wait_for_function("performance.getEntriesByType('resource').length > 0")
    expect(second.get_by_role("status").filter(has_text="Live")).to_be_visible()


def test_the_page_says_when_it_is_no_longer_live(desk: Desk, studio: Studio) -> None:
    page = desk.open("/")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    with studio.api_frozen():
        expect(page.get_by_role("status").filter(has_text="Reconnecting")).to_be_visible(timeout=40_000)
        expect(page.get_by_text(re.compile(r"last data \d+ s ago"))).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible(timeout=40_000)


def test_an_incident_shows_its_worst_images_with_their_prompts(desk: Desk, studio: Studio, incident: UUID) -> None:
    page = desk.open("/incidents")
    page.get_by_role("link", name=re.compile("Version 2 of studio: alignment down")).click()
    worst = page.get_by_role("region", name="Worst images").get_by_role("listitem")
    expect(worst).to_have_count(6)
    shown = studio.get(f"/api/v1/incidents/{incident}")["evidence"]["worst_images"][0]["id"]
    expect(worst.first).to_contain_text(studio.get(f"/api/v1/generations/{shown}")["prompt"])
    signals = page.get_by_role("table", name="Signals against the baseline")
    expect(signals.get_by_role("row", name=re.compile(r"Alignment.*1\.5 s\.d\."))).to_be_visible()
    expect(page.get_by_role("region", name="What changed before")).to_contain_text("to version 2")
    expect(page.get_by_role("region", name="What to do")).to_contain_text("Look at the worst images")


def test_a_monitor_shows_its_budget_is_asked_now_and_tried_on_the_past(desk: Desk) -> None:
    page = desk.open("/monitors")
    budget = page.get_by_role("region", name="Budget for false alarms")
    expect(budget).to_contain_text("With nothing wrong, a month is expected to show at most one alarm")
    budget.get_by_role("link", name=re.compile("Service health")).click()
    expect(page.get_by_role("region", name="Budget for false alarms")).to_contain_text("with nothing wrong")
    page.get_by_role("button", name="Ask now").click()
    expect(page.get_by_role("region", name="Asked just now")).to_contain_text("generations")
    page.get_by_role("button", name="Try it on the range above").click()
    expect(page.get_by_role("status").filter(has_text="looks:")).to_contain_text("were to be expected")


def test_a_baseline_says_how_small_a_change_it_sees(desk: Desk) -> None:
    page = desk.open("/baselines")
    page.get_by_role("link", name="version-2").click()
    expect(page.get_by_role("img", name=re.compile("Smallest effect that is found.*Never under"))).to_be_visible()
    expect(page.get_by_role("region", name="The smallest change it can see")).to_contain_text("would see half of that")


def test_a_baseline_is_asked_for_and_a_refusal_is_told(desk: Desk) -> None:
    page = desk.open("/baselines")
    page.get_by_role("button", name="Make a baseline").click()
    dialog = page.get_by_role("dialog", name="Make a baseline of studio")
    dialog.get_by_label("Name").fill("version-2")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("baseline_exists")

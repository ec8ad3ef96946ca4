"""The API's reference is whole where there is nothing but this machine: no network, and the page's own policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Route, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Desk

pytestmark = pytest.mark.timeout(600)


def test_every_route_is_shown_with_the_network_off(desk: Desk) -> None:
    complaints: list[str] = []

    def only_from_here(route: Route) -> None:
        if route.request.url.startswith((desk.url, "data:")):
            route.continue_()
        else:
            complaints.append(f"asked for {route.request.url}")
            route.abort("internetdisconnected")

    desk.context.route("**/*", only_from_here)
    desk.context.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page = desk.open("/docs")
    expect(page.get_by_role("heading", name="Safelight")).to_be_visible()
    documented = page.request.get("/openapi.json").json()["paths"].values()
    assert len(_operations(page)) == sum(len(methods) for methods in documented)
    assert complaints == []


def test_a_route_is_tried_out_with_the_session_of_the_dashboard(desk: Desk) -> None:
    page = desk.open("/docs#/releases/rollback_api_v1_releases_rollback_post")
    page.get_by_role("button", name="Try it out").click()
    page.locator("textarea").fill('{"generator": "nobody"}')
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text(re.compile("generator_not_found")).first).to_be_visible()


def _operations(page: Page) -> set[str]:
    """The ids of all operations: only those near the window are drawn, so it is moved over all of them."""
    operations = page.locator(".opblock")
    expect(operations.first).to_be_visible()
    found: set[str] = set()
    at_the_end = False
    while not at_the_end:
        found.update(operations.evaluate_all("drawn => drawn.map(each => each.id)"))
        at_the_end = page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 1")
        page.evaluate("""() => new Promise(drawn => {
            scrollBy(0, innerHeight / 2);
            requestAnimationFrame(() => requestAnimationFrame(drawn));
        })""")
    return found

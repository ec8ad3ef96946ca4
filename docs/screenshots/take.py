"""Take the pictures of these pages from a run of their own: `python docs/screenshots/take.py`.

Version 3 of the studio, whose colour words are swapped, is promoted; the incident that opens is answered on the page,
from a phone. It takes some minutes, needs Chromium and the built page, and replaces the files beside it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from safelight.studio.demo import GENERATOR
from safelight.studio.rehearsal import Rehearsal, rehearsal, storyteller
from safelight.studio.visitor import StoryFailed

FOLDER = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
IMAGES_A_SECOND = 6.0
GOOD, BAD = 2, 3
_DESKTOP = ViewportSize(width=1440, height=900)
_PHONE = ViewportSize(width=390, height=844)
_PATIENCE_SECONDS = 420.0
_PAINTED = """() => !document.querySelector('[aria-busy=true]') && [...document.images].every((image) =>
    image.complete || image.getBoundingClientRect().top > innerHeight)"""


class Photographer:
    """An operator with a browser, at a desk or with a phone."""

    def __init__(self, browser: Browser, running: Rehearsal) -> None:
        self._browser = browser
        self._url = running.url
        self._key = running.key("operator")

    @contextmanager
    def page(self, path: str, *, phone: bool = False, dark: bool = False) -> Iterator[Page]:
        """A page as somebody sees it a moment after opening it."""
        context = self._browser.new_context(
            viewport=_PHONE if phone else _DESKTOP,
            device_scale_factor=2 if phone else 1,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            base_url=self._url,
        )
        try:
            context.request.post("/api/v1/session", data={"key": self._key})
            page = context.new_page()
            page.goto(path)
            self._settle(page)
            yield page
        finally:
            context.close()

    def shoot(self, name: str, path: str, *, phone: bool = False, dark: bool = False, whole: bool = False) -> None:
        with self.page(path, phone=phone, dark=dark) as page:
            page.screenshot(path=FOLDER / f"{name}.png", full_page=whole)

    def shoot_here(self, name: str, page: Page) -> None:
        self._settle(page)
        page.screenshot(path=FOLDER / f"{name}.png")

    @staticmethod
    def _settle(page: Page) -> None:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(1_500)  # charts are drawn a moment after their figures arrive
        page.wait_for_function(_PAINTED)


def main() -> None:
    """Play the story and take the pictures on the way."""
    with rehearsal(IMAGES_A_SECOND) as running, storyteller(running), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _tell(running, Photographer(browser, running))
        browser.close()


def _tell(running: Rehearsal, camera: Photographer) -> None:
    with running.client(running.key("admin")) as client:

        def ask(path: str, **query: Any) -> Any:
            return client.get(path, params=query).raise_for_status().json()

        def wait_for(path: str, state: str, **query: Any) -> Any:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while time.monotonic() < deadline:
                for item in ask(path, generator=GENERATOR, **query)["items"]:
                    if item["state"] == state:
                        return item
                time.sleep(0.5)
            raise StoryFailed(f"nothing {state} at {path} after {_PATIENCE_SECONDS:.0f} s")

        camera.shoot("overview", "/")
        camera.shoot("overview-dark", "/", dark=True)
        order = {"generator": GENERATOR, "version": BAD, "expected_serving": GOOD, "reason": "the new fine-tune"}
        client.post("/api/v1/releases/promote", json=order).raise_for_status()
        incident = wait_for("/api/v1/incidents", "triggered")
        run = wait_for("/api/v1/probes/runs", "judged", version=BAD)
        camera.shoot("incident", f"/incidents/{incident['id']}")
        camera.shoot("incident-phone", f"/incidents/{incident['id']}", phone=True)
        camera.shoot("monitors", "/monitors")
        camera.shoot("probes", f"/probes/{run['id']}", whole=True)
        camera.shoot("compare", f"/compare?a={GOOD}&b={BAD}")
        with camera.page(f"/incidents/{incident['id']}?rollback=1", phone=True) as page:
            dialog = page.get_by_role("dialog")
            expect(dialog.get_by_role("button", name=f"Roll back to v{GOOD}")).to_be_enabled()
            camera.shoot_here("rollback-phone", page)
            dialog.get_by_role("button", name=f"Roll back to v{GOOD}").click()
            serves = page.get_by_role("region", name="Progress").get_by_text(f"v{GOOD} serves all requests")
            expect(serves).to_be_visible(timeout=60_000)
            camera.shoot_here("release-phone", page)
        release = ask("/api/v1/releases", generator=GENERATOR, limit=1)["items"][0]
        camera.shoot("release", f"/releases/{release['id']}")


if __name__ == "__main__":
    main()

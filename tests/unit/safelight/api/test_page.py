"""What the page's server answers to addresses that nobody meant."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from safelight.api import page


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("the page")
    (folder / "icon.svg").write_text("the icon")
    (tmp_path / "secret").write_text("a secret")
    app = FastAPI()
    page.mount(app, folder)
    return TestClient(app)


def test_a_file_of_the_page_is_served_and_any_other_address_is_the_pages_own(browser: TestClient) -> None:
    assert browser.get("/icon.svg").text == "the icon"
    assert browser.get("/incidents/7").text == browser.get("/").text == "the page"


@pytest.mark.parametrize("path", ["%00", "a%00b/c", "x" * 300, "x/" * 3_000, "%2e%2e/secret", "/etc/passwd", "%ff"])
def test_what_no_file_is_called_and_what_lies_outside_is_the_pages_own(browser: TestClient, path: str) -> None:
    answer = browser.get(f"http://testserver/{path}")
    assert (answer.status_code, answer.text) == (200, "the page")


def test_no_asset_is_called_that(browser: TestClient) -> None:
    assert browser.get("/assets/%00").status_code == 404
    assert browser.get("/assets/" + "x" * 300).status_code == 404

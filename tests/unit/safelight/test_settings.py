"""Where the API is reached."""

import httpx
import pytest

from safelight.settings import ApiSettings, Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "safelight.internal"])
def test_an_address_is_one_whatever_the_host_is_written_in(host: str) -> None:
    settings = Settings(api=ApiSettings(host=host, port=8001))
    url = httpx.URL(settings.public_url)
    assert (url.scheme, url.host, url.port) == ("http", host, 8001)
    assert settings.api.url == settings.public_url


def test_people_may_reach_it_elsewhere() -> None:
    assert Settings(api=ApiSettings(public_url="https://safelight.example/")).public_url == "https://safelight.example"

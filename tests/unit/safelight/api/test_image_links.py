"""A signed link opens one image, for its time, and only as it was made."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from pydantic import SecretStr

from safelight.api.image_links import ImageLinks, Link

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE, OTHER = UUID(int=1), UUID(int=2)
LINKS = ImageLinks("https://images.example", SecretStr("a key"), timedelta(minutes=5))


def parts(links: ImageLinks = LINKS) -> tuple[int, str]:
    query = parse_qs(urlsplit(links.url(IMAGE, NOW)).query)
    return int(query["expires"][0]), query["signature"][0]


def test_a_link_names_its_image_under_the_public_address() -> None:
    assert LINKS.url(IMAGE, NOW).startswith(f"https://images.example/v1/images/{IMAGE}?expires=")


def test_it_opens_until_its_time_is_over() -> None:
    expires, signature = parts()
    assert LINKS.check(IMAGE, expires, signature, NOW + timedelta(seconds=299)) is Link.OPENS
    assert LINKS.check(IMAGE, expires, signature, NOW + timedelta(seconds=300)) is Link.EXPIRED


def test_nothing_of_it_can_be_altered() -> None:
    expires, signature = parts()
    assert LINKS.check(OTHER, expires, signature, NOW) is Link.INVALID
    assert LINKS.check(IMAGE, expires + 1, signature, NOW) is Link.INVALID
    assert LINKS.check(IMAGE, expires, signature[:-1], NOW) is Link.INVALID
    stranger = ImageLinks("https://images.example", SecretStr("another key"), timedelta(minutes=5))
    assert LINKS.check(IMAGE, *parts(stranger), NOW) is Link.INVALID

"""Which addresses a webhook may reach. A channel's URL is somebody's input; our network is not theirs to look at."""

import ipaddress
from typing import TypeAlias
from urllib.parse import urlsplit

from safelight.errors import Kind, SafelightError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6052: an IPv4 address in its last four bytes, reached through a gateway of the network we are in.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet. IPv4 addresses inside of IPv6 ones are judged as such."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or _behind_nat64(ip)
        if embedded is not None:
            return is_public(str(embedded))
        if ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


def check_url(url: str, *, allow_private: bool) -> None:
    """Raises `webhook_url_invalid`. Names are not resolved here: what they mean is checked at every connection."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid("is not a URL") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise _invalid("does not start with https://")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise _invalid("has characters that belong encoded")
    if not parts.hostname:
        raise _invalid("names no host")
    if parts.username is not None or parts.password is not None:
        raise _invalid("carries a user name or password; the signature proves who we are")
    if port == 0:
        raise _invalid("has no usable port")
    if not allow_private and _is_private_literal(parts.hostname):
        raise _invalid("points into a private network")


def _behind_nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _invalid(why: str) -> SafelightError:
    return SafelightError(
        Kind.INVALID,
        "webhook_url_invalid",
        f"The webhook's address {why}. Give a public https:// address, or set notifying.allow_private_addresses for "
        "a receiver in your own network.",
    )

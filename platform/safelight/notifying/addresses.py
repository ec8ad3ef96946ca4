"""Which addresses a channel may reach. Its URL is somebody's input; our network is not theirs to look at."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import urlsplit

from safelight.errors import Kind, SafelightError
from safelight.settings import NotifyingSettings

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 6052: an IPv4 address in its last four bytes, reached through a gateway of the network we are in.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Reach:
    """How far channels may reach: the public internet, and what is allowed beyond it.

    `private` adds loopback and private networks, and still no link-local addresses: there the machines of a cloud tell
    whoever asks what they are allowed to do. Only a network named in `networks` reaches those.
    """

    private: bool = False
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, settings: NotifyingSettings) -> "Reach":
        return cls(settings.allow_private_addresses, settings.allowed_networks)

    @property
    def inside(self) -> bool:
        """Whether anything but the public internet may be reached."""
        return self.private or bool(self.networks)

    def covers(self, address: str) -> bool:
        """Whether a connection to this address may be made. IPv4 addresses inside of IPv6 ones are judged as such."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address):
            embedded = ip.ipv4_mapped or ip.sixtofour or _behind_nat64(ip)
            if embedded is not None:
                return self.covers(str(embedded))
        if any(ip in network for network in self.networks):
            return True
        if isinstance(ip, ipaddress.IPv6Address) and ip.teredo is not None:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:  # which Python takes for global
            return self.private
        if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
            return False
        return ip.is_global or self.private


PUBLIC = Reach()


def check_url(url: str, reach: Reach) -> None:
    """Raises `webhook_url_invalid`. Names are not resolved here: what they mean is checked at every connection."""
    why = fault_of(url, reach)
    if why is not None:
        raise _invalid(why)


def fault_of(url: str, reach: Reach) -> str | None:
    """Why an address that somebody gave us is not one to call, in the words after "it"; None where it is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    faults = {
        "does not start with https://": parts.scheme != "https" and not (reach.inside and parts.scheme == "http"),
        "has characters that belong encoded": not url.isascii() or not url.isprintable() or " " in url,
        "names no host": not parts.hostname,
        "carries a user name or password": parts.username is not None or parts.password is not None,
        "has no usable port": port == 0,
        "points into a private network": _is_forbidden_literal(parts.hostname or "", reach),
    }
    return next((why for why, wrong in faults.items() if wrong), None)


def _behind_nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None


@lru_cache(maxsize=1024)
def _is_forbidden_literal(host: str, reach: Reach) -> bool:
    try:
        return not reach.covers(host)
    except ValueError:
        return not reach.inside and (host == "localhost" or host.endswith(".localhost"))


def _invalid(why: str) -> SafelightError:
    return SafelightError(
        Kind.INVALID,
        "webhook_url_invalid",
        f"The channel's address {why}. Give a public https:// address, or for a receiver in your own network name that "
        "network in notifying.allowed_networks.",
    )

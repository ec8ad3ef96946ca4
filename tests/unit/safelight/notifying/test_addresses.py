"""Where a webhook may go."""

from ipaddress import ip_network

import pytest

from safelight.errors import SafelightError
from safelight.notifying.addresses import PUBLIC, Reach, check_url

OUTSIDE = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "64:ff9b::10.0.0.1",
    "2001:0:53aa:64c:0:0:80ff:fffe",
]


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_public_internet_is_public(address: str) -> None:
    assert PUBLIC.covers(address)


@pytest.mark.parametrize("address", INSIDE)
def test_everything_else_is_not(address: str) -> None:
    assert not PUBLIC.covers(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "https://hooks.example.com:8443/",
        "https://8.8.8.8/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_a_public_address_is_accepted(url: str) -> None:
    check_url(url, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com",
        "ftp://hooks.example.com",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:secret@hooks.example.com",
        "https://hooks.example.com:0",
        "https://hooks.example.com:99999",
        "https://[::1",
        "https://hooks.example.com/ a",
        "https://hooks.example.com/\r\nHost: evil",
        "https://bücher.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://a.localhost/",
    ],
)
def test_what_is_no_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(SafelightError) as refusal:
        check_url(url, PUBLIC)
    assert refusal.value.code == "webhook_url_invalid"
    assert "secret" not in refusal.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "http://receiver:8080", "https://10.0.0.1/"])
def test_private_addresses_can_be_allowed(url: str) -> None:
    check_url(url, Reach(private=True))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "https://user@10.0.0.1/"])
def test_not_everything_can(url: str) -> None:
    with pytest.raises(SafelightError):
        check_url(url, Reach(private=True))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fc00::1", "::ffff:192.168.1.1"])
def test_private_networks_can_be_allowed_as_a_whole(address: str) -> None:
    assert Reach(private=True).covers(address)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "fe80::1", "224.0.0.1", "::"]
)
def test_where_a_clouds_machines_tell_their_secrets_takes_naming_the_network(address: str) -> None:
    assert not Reach(private=True).covers(address)


def test_a_network_that_is_named_is_reached_and_nothing_beside_it() -> None:
    reach = Reach(networks=(ip_network("10.1.0.0/16"), ip_network("169.254.10.0/24"), ip_network("fd00::/8")))
    assert all(reach.covers(each) for each in ("10.1.2.3", "::ffff:10.1.2.3", "169.254.10.1", "fd00::1", "8.8.8.8"))
    assert not any(reach.covers(each) for each in ("10.2.0.1", "169.254.169.254", "127.0.0.1", "fc00::1"))
    check_url("http://10.1.2.3:9093", reach)
    with pytest.raises(SafelightError):
        check_url("http://10.2.0.1:9093", reach)

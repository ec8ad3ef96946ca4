"""What telling a version comes to, whoever answers."""

import httpx
import pytest

from safelight.client import Refused, Versions


def _asked(answer: httpx.Response) -> int:
    versions = Versions("http://safelight", "key", transport=httpx.MockTransport(lambda _: answer))
    return versions.register_external("portraits", "portraits:7")


def test_a_version_has_a_number() -> None:
    assert _asked(httpx.Response(201, json={"number": 7})) == 7


def test_a_refusal_has_its_code() -> None:
    problem = {"code": "manifest_invalid", "detail": "uri: too long"}
    with pytest.raises(Refused, match="uri: too long") as refusal:
        _asked(httpx.Response(422, json=problem, headers={"content-type": "application/problem+json"}))
    assert (refusal.value.status, refusal.value.code) == (422, "manifest_invalid")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<p>Log in"),
        httpx.Response(302, headers={"location": "https://login.example/"}),
        httpx.Response(502, html="<p>Bad gateway"),
        httpx.Response(500, content=b"{", headers={"content-type": "application/json"}),
        httpx.Response(404, json=["nothing"]),
    ],
)
def test_an_answer_that_is_not_safelights_says_so(answer: httpx.Response) -> None:
    with pytest.raises(Refused, match="Is this its address") as refusal:
        _asked(answer)
    assert (refusal.value.status, refusal.value.code) == (answer.status_code, "unknown")

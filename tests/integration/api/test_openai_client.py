"""The official OpenAI client makes an image unchanged, and understands every refusal."""

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from safelight.access import Role


@pytest.fixture
def client(api: Any) -> Iterator[openai.OpenAI]:
    with api.client() as http:
        key = api.keys[Role.CLIENT][1]
        yield openai.OpenAI(base_url=f"{api.url}/v1", api_key=key, max_retries=0, http_client=http)


def test_it_makes_images(client: openai.OpenAI) -> None:
    made = client.images.generate(model="sprites", prompt="a red apple", n=2, size="32x64", response_format="b64_json")
    assert made.data is not None
    sizes = [Image.open(BytesIO(base64.b64decode(each.b64_json or ""))).size for each in made.data]
    assert sizes == [(32, 64), (32, 64)]
    assert made.created > 1_700_000_000


def test_an_image_may_come_as_an_address_that_its_key_opens(client: openai.OpenAI, api: Any) -> None:
    made = client.images.generate(model="sprites", prompt="a red apple", response_format="url", user="somebody")
    assert made.data is not None
    assert made.data[0].url is not None
    path = httpx.URL(made.data[0].url).path
    with api.client(Role.CLIENT) as owner:
        assert owner.get(path).headers["content-type"] == "image/png"


def test_what_openai_does_not_know_goes_in_the_extra_body(client: openai.OpenAI) -> None:
    def make(seed: int) -> str | None:
        made = client.images.generate(model="sprites", prompt="a red apple", extra_body={"seed": seed, "steps": 1})
        assert made.data is not None
        return made.data[0].b64_json

    assert make(1) == make(1) != make(2)


@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"size": "0x0"}, "parameter_invalid", "width"),
        ({"size": "huge"}, "size_invalid", "size"),
        ({"n": 5}, "parameter_invalid", "n"),
        ({"n": 0}, "parameter_invalid", "n"),
        ({"prompt": "x" * 10_000}, "parameter_invalid", "prompt"),
        ({"quality": "hd"}, "invalid_request", "quality"),
        ({"style": "vivid"}, "unknown_parameter", "style"),
    ],
)
def test_a_bad_request_is_told_in_openais_words(
    client: openai.OpenAI, asked: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**{"model": "sprites", "prompt": "a red apple"} | asked)
    assert (caught.value.code, caught.value.param, caught.value.type) == (code, param, "invalid_request_error")


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(model="dall-e-3", prompt="a red apple")
    assert caught.value.code == "model_not_found"


def test_a_key_that_is_none_and_one_that_may_not(client: openai.OpenAI, api: Any) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sl_nonsense").images.generate(model="sprites", prompt="a red apple")
    viewer = client.with_options(api_key=api.keys[Role.VIEWER][1])
    with pytest.raises(openai.PermissionDeniedError):
        viewer.images.generate(model="sprites", prompt="a red apple")


def test_a_body_that_is_no_json_is_told_in_openais_envelope(api: Any) -> None:
    with api.client(Role.CLIENT) as client:
        reply = client.post("/v1/images/generations", content=b"\xff\xfe", headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"

"""The official OpenAI client makes an image unchanged, and understands every refusal."""

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import openai
import pytest
from PIL import Image

from safelight.access import Role
from safelight.store import generations


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


@pytest.fixture
def link(client: openai.OpenAI) -> httpx.URL:
    made = client.images.generate(model="sprites", prompt="a red apple", response_format="url")
    assert made.data is not None
    assert made.data[0].url is not None
    assert made.data[0].b64_json is None
    return httpx.URL(made.data[0].url)


def get(api: Any, link: httpx.URL, **changed: Any) -> httpx.Response:
    """What a link opens for somebody without a key; `changed` are parameters of its query."""
    link = link.copy_merge_params(changed) if changed else link
    return httpx.get(f"{api.url}{link.raw_path.decode()}", trust_env=False)


def test_an_image_may_come_as_an_address_that_opens_without_a_key(api: Any, link: httpx.URL) -> None:
    reply = get(api, link)
    assert reply.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(reply.content)).size == (64, 64)
    assert 3500 < int(reply.headers["cache-control"].removeprefix("private, max-age=")) <= 3600
    while api.ship():
        pass
    assert get(api, link).content == reply.content


def test_an_address_opens_nothing_else_and_no_longer(api: Any, link: httpx.URL, client: openai.OpenAI) -> None:
    later = int(link.params["expires"]) + 3600
    for changed in ({"expires": later}, {"signature": "0" * 64}, {"signature": "ä"}, {"signature": ""}):
        refused = get(api, link, **changed)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "link_invalid")
    made = client.images.generate(model="sprites", prompt="a blue car", response_format="url")
    assert made.data is not None
    other = httpx.URL(made.data[0].url or "").copy_with(query=link.query)
    assert get(api, other).json()["error"]["code"] == "link_invalid"
    for changed in ({"expires": "soon"}, {"expires": 2**70}, {"expires": -1}, {"signature": "x" * 101}):
        assert get(api, link, **changed).status_code == 400
    assert httpx.get(f"{api.url}{link.path}", trust_env=False).status_code == 400


def test_the_end_user_is_kept_with_the_image(client: openai.OpenAI, api: Any) -> None:
    made = client.images.generate(model="sprites", prompt="a red apple", response_format="url", user="user-17")
    assert made.data is not None
    generation_id = UUID(httpx.URL(made.data[0].url or "").path.rpartition("/")[2])
    while api.ship():
        pass
    with api.database.reading() as session:
        record = generations.find(session, generation_id)
    assert record is not None
    assert (record.end_user, record.tenant) == ("user-17", None)


def test_the_models_are_the_generators_that_serve(client: openai.OpenAI) -> None:
    [model] = client.models.list().data
    assert (model.id, model.object, model.owned_by) == ("sprites", "model", "safelight")
    assert client.models.retrieve("sprites") == model
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("dall-e-3")
    assert caught.value.code == "model_not_found"


def test_what_a_version_decides_may_be_named(client: openai.OpenAI) -> None:
    made = client.images.generate(
        model="sprites", prompt="a red apple", quality="auto", background="opaque", output_format="png", size="auto"
    )
    assert made.data is not None
    assert made.data[0].b64_json is not None


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
        ({"response_format": "webp"}, "invalid_request", "response_format"),
        ({"user": "x" * 201}, "invalid_request", "user"),
        ({"size": "64x"}, "size_invalid", "size"),
        ({"size": "9999999x64"}, "size_invalid", "size"),
        ({"extra_body": {"steps": 51}}, "parameter_invalid", "steps"),
        ({"extra_body": {"guidance": 21.0}}, "parameter_invalid", "guidance"),
        ({"extra_body": {"seed": -1}}, "parameter_invalid", "seed"),
        ({"extra_body": {"n": "2"}}, "invalid_request", "n"),
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


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_said_so_in_the_clients_own_terms(client: openai.OpenAI, announced: bool) -> None:
    """50 MB of prompt, sent with its length and in pieces."""
    piece = b" " * 1_000_000
    body = piece * 50 if announced else (piece for _ in range(50))
    with pytest.raises(openai.APIStatusError) as refused:
        client.post("/images/generations", content=body, cast_to=object)
    assert (refused.value.status_code, refused.value.code) == (413, "body_too_large")

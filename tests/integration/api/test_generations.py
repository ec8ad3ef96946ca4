"""Images by the native API: made, found at once, found later, and every bad request answered with its code."""

import base64
import json
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from safelight.access import Role
from safelight.store import access, retention
from safelight.store.tables import IdempotentReply

from .conftest import CLOCK  # noqa: TID252

PATH = "/api/v1/generations"


def make(api: Any, role: Role = Role.OPERATOR, **asked: Any) -> dict[str, Any]:
    with api.client(role) as client:
        reply = client.post(PATH, json={"generator": "sprites", "prompt": "a red apple", **asked})
    assert reply.status_code == 200, reply.text
    [made] = reply.json()["items"]
    return dict(made)


def test_an_image_is_answered_with_all_that_was_decided_for_it(api: Any) -> None:
    made = make(api, seed=7, width=32, b64_json=True)
    assert (made["version"], made["seed"], made["outcome"], made["arm"]) == (1, 7, "served", "stable")
    assert made["parameters"] == {"negative_prompt": "", "width": 32, "height": 64, "steps": 2, "guidance": 1.0}
    assert Image.open(BytesIO(base64.b64decode(made["b64_json"]))).size == (32, 64)


def test_several_images_come_in_the_order_of_their_seeds(api: Any) -> None:
    with api.client() as client:
        asked = {"generator": "sprites", "prompt": "a red apple", "n": 3, "seed": 10}
        items = client.post(PATH, json=asked).json()["items"]
    assert [item["seed"] for item in items] == [10, 11, 12]


def test_a_png_is_sent_to_whoever_accepts_one(api: Any) -> None:
    with api.client() as client:
        asked = {"generator": "sprites", "prompt": "a red apple", "seed": 3}
        reply = client.post(PATH, json=asked, headers={"Accept": "image/png"})
        assert reply.headers["content-type"] == "image/png"
        assert (reply.headers["x-safelight-version"], reply.headers["x-safelight-seed"]) == ("1", "3")
        assert client.get(f"{PATH}/{reply.headers['x-safelight-generation']}/image").content == reply.content


def test_an_image_is_there_before_it_is_shipped_and_the_same_afterwards(api: Any) -> None:
    made = make(api)
    with api.client() as client:
        before = client.get(f"{PATH}/{made['id']}").json()
        image = client.get(made["image_url"])
        assert client.get(made["thumbnail_url"]).content == image.content
        assert client.get(PATH, params={"limit": 1}).json()["items"][:1] != [before]
        while api.ship():
            pass
        after = client.get(f"{PATH}/{made['id']}").json()
        assert after == before
        assert client.get(made["image_url"]).content == image.content
        assert client.get(made["thumbnail_url"]).headers["content-type"] == "image/webp"
        assert client.get(PATH, params={"limit": 1}).json()["items"][0]["id"] == made["id"]
    assert before["environment"] == {"device": "noise", "dtype": "float32", "threads": 1}
    assert before["envelope"]["batch_size"] == 1
    assert "immutable" in image.headers["cache-control"]


def test_the_list_is_filtered_and_paged(api: Any) -> None:
    names = {make(api, prompt=f"a page of {number} words")["id"] for number in range(5)}
    while api.ship():
        pass
    with api.client() as client:
        seen: list[str] = []
        before = None
        while True:
            query = {"q": "a page of", "limit": 2, "outcome": "served", "generator": "sprites"}
            page = client.get(PATH, params=query | ({"before": before} if before else {})).json()
            seen += [item["id"] for item in page["items"]]
            before = page["next"]
            if before is None:
                break
        assert (set(seen), len(seen), sorted(seen, reverse=True)) == (names, 5, seen)
        assert client.get(PATH, params={"version": 2}).json()["items"] == []
        assert client.get(PATH, params={"from": "2026-01-01T00:00:00"}).json()["code"] == "time_zone_missing"


def test_a_client_sees_what_it_made_and_nothing_else(api: Any) -> None:
    own, foreign = make(api, Role.CLIENT), make(api, Role.OPERATOR)
    with api.client(Role.CLIENT) as client:
        for _ in range(2):
            assert client.get(own["image_url"]).status_code == 200
            assert client.get(f"{PATH}/{own['id']}").json()["prompt"] == "a red apple"
            assert client.get(foreign["image_url"]).json()["code"] == "generation_not_found"
            assert client.get(f"{PATH}/{foreign['id']}").json()["code"] == "generation_not_found"
            while api.ship():
                pass
        assert client.get(PATH).json()["code"] == "not_allowed"


def test_a_request_sent_twice_makes_one_image(api: Any) -> None:
    with api.client() as client:
        asked = {"generator": "sprites", "prompt": "a red apple"}
        first, second = (client.post(PATH, json=asked, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


def test_a_reply_that_is_kept_is_for_whoever_may_still_ask(api: Any) -> None:
    now = CLOCK.now()
    with api.database.transaction() as session:
        key, secret = access.create_key(session, "for a day", Role.CLIENT, now)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "once more"}
    asked = {"generator": "sprites", "prompt": "a red apple"}
    with httpx.Client(base_url=api.url, trust_env=False, headers=headers) as client:
        assert client.post(PATH, json=asked).status_code == 200
        assert client.post(PATH, json=asked).headers["idempotency-replayed"] == "true"
        with api.database.transaction() as session:
            access.revoke_key(session, key.id, now)
        refused = client.post(PATH, json=asked)
        stranger = client.post(PATH, json=asked, headers={"Authorization": "Bearer sl_guess"})
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert stranger.status_code == 401


def test_another_address_is_another_request(api: Any) -> None:
    lines = "\n".join(json.dumps({"prompt": f"thing {i}"}) for i in range(16))
    headers = {"Idempotency-Key": "upload", "Content-Type": "application/x-ndjson"}
    with api.client() as client:
        first, second = (
            client.post(
                "/api/v1/probes/sets/upload",
                params={"generator": "sprites", "name": name},
                content=lines,
                headers=headers,
            )
            for name in ("one", "two")
        )
    assert first.status_code == 201
    assert (second.status_code, second.json()["code"]) == (422, "idempotency_key_reused")


def test_a_reply_with_images_is_kept_without_them_and_given_whole(api: Any) -> None:
    with api.client() as client:
        asked = {"generator": "sprites", "prompt": "a secret apple", "n": 2, "b64_json": True}
        headers = {"Idempotency-Key": "with images"}
        first = client.post(PATH, json=asked, headers=headers)
        waiting = client.post(PATH, json=asked, headers=headers)
        api.ship()
        arrived = client.post(PATH, json=asked, headers=headers)
    assert first.json() == waiting.json() == arrived.json()
    assert all(item["b64_json"] for item in first.json()["items"])
    with api.database.reading() as session:
        bodies = session.scalars(select(IdempotentReply.body)).all()
    kept = next(body for body in bodies if body and body.get("b64_json"))
    assert kept == {"generations": [item["id"] for item in first.json()["items"]], "b64_json": True}
    assert "secret" not in str(bodies)

    with api.database.transaction() as session:
        retention.forget(session, [UUID(each) for each in kept["generations"]])
    with api.client() as client:
        gone = client.post(PATH, json=asked, headers=headers)
    assert (gone.status_code, gone.json()["code"]) == (503, "reply_unavailable")


BAD: dict[str, tuple[dict[str, object], int, str]] = {
    "unknown generator": ({"generator": "nobody"}, 404, "generator_not_found"),
    "size 0": ({"width": 0}, 422, "parameter_invalid"),
    "NaN guidance": ({"guidance": float("nan")}, 422, "parameter_invalid"),
    "infinite guidance": ({"guidance": float("inf")}, 422, "parameter_invalid"),
    "negative n": ({"n": -1}, 422, "parameter_invalid"),
    "too many": ({"n": 5}, 422, "parameter_invalid"),
    "a prompt of 10,000 characters": ({"prompt": "x" * 10_000}, 422, "parameter_invalid"),
    "no words": ({"prompt": ""}, 422, "parameter_invalid"),
    "NUL in the prompt": ({"prompt": "a\x00b"}, 422, "parameter_invalid"),
    "a lone surrogate": ({"prompt": "\ud800"}, 422, "parameter_invalid"),
    "a number as text": ({"steps": "8"}, 422, "invalid_request"),
    "half a step": ({"steps": 1.5}, 422, "invalid_request"),
    "a seed beyond all seeds": ({"seed": 2**70}, 422, "parameter_invalid"),
    "an unknown parameter": ({"sampler": "euler"}, 422, "invalid_request"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_gets_a_problem_with_a_stable_code_and_makes_nothing(api: Any, name: str) -> None:
    changed, status, code = BAD[name]
    body = json.dumps({"generator": "sprites", "prompt": "a red apple", **changed})
    with api.client() as client:
        reply = client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert "x" * 100 not in reply.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"generator": "sprites", "prompt": "\xff"}', b"[]"])
def test_a_body_that_cannot_be_read_gets_a_problem(api: Any, body: bytes) -> None:
    with api.client() as client:
        reply = client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code in (400, 422)
    assert reply.json()["code"] in ("invalid_json", "invalid_request", "bad_request")


def test_what_does_not_exist_is_not_found(api: Any) -> None:
    with api.client() as client:
        for path in (f"{PATH}/{UUID(int=1)}", f"{PATH}/{UUID(int=1)}/image", f"{PATH}/{UUID(int=1)}/thumbnail"):
            assert client.get(path).json()["code"] == "generation_not_found"


def test_a_viewer_makes_nothing(api: Any) -> None:
    with api.client(Role.VIEWER) as client:
        reply = client.post(PATH, json={"generator": "sprites", "prompt": "a red apple"})
    assert (reply.status_code, reply.json()["code"]) == (403, "not_allowed")


def test_a_part_of_the_traffic_is_listed_alone(api: Any) -> None:
    made = make(api)
    while api.ship():
        pass
    with api.client() as client:
        replica = client.get(f"{PATH}/{made['id']}").json()["replica"]
        assert replica
        alone = client.get(PATH, params={"generator": "sprites", "replica": replica, "limit": 1}).json()
        nobody = client.get(PATH, params={"generator": "sprites", "tenant": "nobody"}).json()
    assert [(item["id"], item["replica"]) for item in alone["items"]] == [(made["id"], replica)]
    assert nobody == {"items": [], "next": None}

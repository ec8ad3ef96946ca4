"""Images in the background by REST: answered at once, followed, found again, cancelled, and each its owner's alone."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from safelight.access import Role
from safelight.clock import SystemClock
from safelight.ids import new_id
from safelight.store import access, generation_jobs

PATH = "/api/v1/generations"
ASKED = {"generator": "sprites", "prompt": "a red apple"}
LATER = {"Prefer": "respond-async"}


def begin(api: Any, role: Role = Role.CLIENT, **asked: Any) -> dict[str, Any]:
    with api.client(role) as client:
        reply = client.post(PATH, json=ASKED | asked, headers=LATER)
    assert reply.status_code == 202, reply.text
    assert reply.headers["preference-applied"] == "respond-async"
    job: dict[str, Any] = reply.json()
    assert reply.headers["location"] == f"{PATH}/jobs/{job['id']}"
    return job


def follow(api: Any, job: dict[str, Any], role: Role = Role.CLIENT) -> list[dict[str, Any]]:
    """The job at each of its changes until it has ended."""
    with api.client(role) as client, client.stream("GET", f"{PATH}/jobs/{job['id']}/events") as events:
        lines = [line.removeprefix("data: ") for line in events.iter_lines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines]


def test_a_job_is_answered_at_once_and_followed_to_its_images(api: Any) -> None:
    job = begin(api, n=2, seed=5, tenant="a shop", end_user="user-17")
    assert (job["state"], job["images"], job["made"]) == ("queued", 2, [])
    last = follow(api, job)[-1]
    assert (last["state"], last["progress"], last["error_code"]) == ("done", 1.0, None)
    with api.client(Role.CLIENT) as client:
        assert client.get(f"{PATH}/jobs/{job['id']}").json() == last
        made = [client.get(each["url"]).json() for each in last["made"]]
        assert [each["seed"] for each in made] == [5, 6]
        assert {each["request_id"] for each in made} == {job["id"]}
        assert {each["tenant"] for each in made} == {"a shop"}
        assert client.get(made[0]["image_url"]).headers["content-type"] == "image/png"


def test_a_job_is_its_owners_and_the_readers(api: Any) -> None:
    own, foreign = begin(api), begin(api, Role.OPERATOR)
    with api.client(Role.CLIENT) as client:
        listed = [job["id"] for job in client.get(f"{PATH}/jobs").json()["items"]]
        assert own["id"] in listed
        assert foreign["id"] not in listed
        for path in (f"{PATH}/jobs/{foreign['id']}", f"{PATH}/jobs/{UUID(int=1)}"):
            assert client.get(path).json()["code"] == "job_not_found"
        assert client.post(f"{PATH}/jobs/{foreign['id']}/cancel").json()["code"] == "job_not_found"
    with api.client(Role.VIEWER) as client:
        listed = [job["id"] for job in client.get(f"{PATH}/jobs", params={"limit": 2}).json()["items"]]
        assert listed == [foreign["id"], own["id"]]
        assert client.post(f"{PATH}/jobs/{own['id']}/cancel").json()["code"] == "not_allowed"
    for job in (own, foreign):
        follow(api, job, Role.OPERATOR)


def held_elsewhere(api: Any, key_id: UUID) -> UUID:
    """A job of that key that another worker holds, so that it stays as it is."""
    new = generation_jobs.NewJob(
        id=new_id(), generator="sprites", requested={"prompt": "a cat"}, images=1, tenant=None, end_user=None,
        created_by="tester", api_key_id=key_id,
    )  # fmt: skip
    now = SystemClock().now()
    with api.database.transaction() as session:
        job = generation_jobs.add(session, new, now)
        assert generation_jobs.take(session, job.id, "somebody else", now, now + timedelta(hours=1))
    return job.id


def test_a_job_that_waits_can_be_cancelled_once(api: Any) -> None:
    job = held_elsewhere(api, api.keys[Role.CLIENT][0])
    with api.client(Role.CLIENT) as client:
        cancelled = client.post(f"{PATH}/jobs/{job}/cancel")
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
        again = client.post(f"{PATH}/jobs/{job}/cancel")
        assert (again.status_code, again.json()["code"]) == (409, "job_ended")


def test_whoever_follows_a_job_is_told_no_more_once_the_key_is_revoked(api: Any) -> None:
    now = SystemClock().now()
    with api.database.transaction() as session:
        key, secret = access.create_key(session, "for a day", Role.CLIENT, now)
    job = held_elsewhere(api, key.id)
    headers = {"Authorization": f"Bearer {secret}"}
    with (
        api.client(Role.CLIENT) as client,
        client.stream("GET", f"{PATH}/jobs/{job}/events", headers=headers, timeout=10) as events,
    ):
        told = (line for line in events.iter_lines() if line.startswith("data: "))
        assert str(job) in next(told)
        with api.database.transaction() as session:
            access.revoke_key(session, key.id, now)
        assert list(told) == []
    with api.client(Role.OPERATOR) as operator:
        operator.post(f"{PATH}/jobs/{job}/cancel")


def test_a_job_sent_twice_under_one_key_is_one(api: Any) -> None:
    with api.client(Role.CLIENT) as client:
        headers = LATER | {"Idempotency-Key": "a job once"}
        first, second = (client.post(PATH, json=ASKED, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    follow(api, first.json())


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"generator": "nobody"}, 404, "generator_not_found"),
        ({"n": 5}, 422, "parameter_invalid"),
        ({"width": 0}, 422, "parameter_invalid"),
        ({"prompt": "\ud800"}, 422, "parameter_invalid"),
        ({"tenant": ""}, 422, "invalid_request"),
        ({"tenant": "x" * 101}, 422, "invalid_request"),
        ({"tenant": "a\x00b"}, 422, "invalid_request"),
        ({"tenant": "\ud800"}, 422, "invalid_request"),
        ({"end_user": "x" * 201}, 422, "invalid_request"),
    ],
)
def test_what_could_not_be_made_is_refused_before_it_is_a_job(
    api: Any, asked: dict[str, Any], status: int, code: str
) -> None:
    with api.client(Role.CLIENT) as client:
        before = client.get(f"{PATH}/jobs").json()
        headers = LATER | {"Content-Type": "application/json"}
        reply = client.post(PATH, content=json.dumps(ASKED | asked), headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert client.get(f"{PATH}/jobs").json() == before


def test_an_answer_that_is_of_no_use_after_a_while_says_so(api: Any) -> None:
    with api.client(Role.CLIENT) as client:
        reply = client.post(PATH, json=ASKED, headers={"Prefer": "wait=10"})
        assert reply.status_code == 200

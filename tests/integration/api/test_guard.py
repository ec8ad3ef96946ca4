"""The guard by REST: its switch, its policy, what it would have done, drills, and links that roll back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from monitors.verdict import Health, Reason, Verdict
from safelight.access import Role
from safelight.ids import new_id
from safelight.notifying.rollback_links import Claim, seal
from safelight.releasing.follower import Follower
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.responding.causes import Cause, open_of_cause
from safelight.store import access, channels, drills, engines, incidents, ledger, releases, verdicts, versions
from safelight.store.channels import ChannelKind, KnownChannel
from safelight.store.drills import DrillReason, DrillState
from safelight.store.engines import EngineState
from safelight.store.incidents import KnownIncident
from safelight.store.verdicts import NewVerdict
from safelight.store.versions import KnownVersion

from .conftest import CLOCK, MANIFEST, Installation  # noqa: TID252

KEY = "a key of this channel alone"
GENERATOR = {"generator": "sprites"}


@pytest.fixture(scope="module")
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


@pytest.fixture(scope="module")
def serving(api: Installation, operator: httpx.Client) -> Installation:
    """Version 1 is known good and loaded, version 2 serves."""
    assert operator.post("/api/v1/releases/accept", json=GENERATOR).is_success
    with api.database.transaction() as session:
        [one] = engines.engines(session, "sprites")
        engines.put(session, replace(one, id=new_id(), version=2))
    assert operator.post("/api/v1/releases/promote", json=GENERATOR | {"version": 2}).is_success
    follower = Follower(api.database, Releasing(CLOCK))
    for _ in range(100):
        follower.run_once()
        if operator.get("/api/v1/generators/sprites").json()["serving"]["version"] == 2:
            return api
    raise AssertionError("version 2 never came to serve")


def test_the_switch_is_one_for_all_and_says_who_and_why(operator: httpx.Client) -> None:
    assert operator.get("/api/v1/guard").json()["stopped"] is False
    stopped = operator.post("/api/v1/guard/stop", json={"reason": "we are moving house"}).json()
    assert (stopped["stopped"], stopped["by"], stopped["reason"]) == (True, "operator", "we are moving house")
    again = operator.post("/api/v1/guard/stop", json={"reason": "me too"}).json()
    assert again == stopped == operator.get("/api/v1/guard").json()
    assert operator.post("/api/v1/guard/resume", json={}).json()["stopped"] is False


def test_a_viewer_sees_the_switch_and_cannot_turn_it(api: Installation) -> None:
    with api.client(Role.VIEWER) as viewer:
        assert viewer.get("/api/v1/guard").is_success
        refused = viewer.post("/api/v1/guard/stop", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_how_often_it_may_act_is_the_policys_and_kept_where_it_is_left_out(operator: httpx.Client) -> None:
    path = "/api/v1/policies/sprites"
    assert operator.get(path).json() == {"mode": "recommend", "most_per_hour": 1}
    operator.put(path, json={"mode": "auto", "most_per_hour": 3})
    assert operator.put(path, json={"mode": "recommend"}).json() == {"mode": "recommend", "most_per_hour": 3}
    assert operator.put(path, json={"mode": "auto", "most_per_hour": 0}).status_code == 422
    operator.put(path, json={"mode": "recommend", "most_per_hour": 1})


def test_a_drill_is_asked_for_once_and_its_end_is_shown_with_the_way_back(
    serving: Installation, operator: httpx.Client
) -> None:
    ordered = operator.post("/api/v1/drills", json=GENERATOR)
    assert (ordered.status_code, ordered.json()["version"], ordered.json()["state"]) == (202, 1, "ordered")
    assert operator.post("/api/v1/drills", json=GENERATOR).json()["id"] == ordered.json()["id"]
    with serving.database.transaction() as session:
        drills.end(
            session,
            UUID(ordered.json()["id"]),
            DrillState.FAILED,
            CLOCK.now(),
            reason=DrillReason.GOLDEN_FAILED,
            detail="golden_different",
        )
    assert operator.get(f"/api/v1/drills/{ordered.json()['id']}").json()["reason"] == "golden_failed"
    [listed] = operator.get("/api/v1/drills", params=GENERATOR).json()["items"]
    shown = operator.get("/api/v1/generators/sprites").json()["rollback_target"]["drill"]
    assert listed == shown
    unknown = operator.post("/api/v1/drills", json=GENERATOR | {"version": 9})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "version_not_found")


def test_a_dry_run_says_what_would_have_been_done_and_how_much_was_looked_at(
    incident: KnownIncident, operator: httpx.Client
) -> None:
    found = operator.post("/api/v1/policies/sprites/dry-run", json={"days": 7}).json()
    assert (found["incidents"], found["whole"], found["rollbacks"], found["most_per_hour"]) == (1, True, 0, 1)
    [step] = found["steps"]
    assert (step["incident_id"], step["action"], step["why"]) == (str(incident.id), "hold", "unverified")
    refused = operator.post("/api/v1/policies/sprites/dry-run", json={"days": 1000})
    assert refused.status_code == 422
    assert operator.post("/api/v1/policies/nobody/dry-run", json={}).status_code == 404


@pytest.fixture(scope="module")
def channel(api: Installation) -> KnownChannel:
    with api.database.transaction() as session:
        return channels.add(
            session, "on call", ChannelKind.WEBHOOK, "https://pager.example", "secret", KEY, CLOCK.now()
        )


@pytest.fixture(scope="module")
def incident(serving: Installation) -> KnownIncident:
    """Version 2 fell short, as a verdict says."""
    now = CLOCK.now()
    verdict = Verdict(Health.DEGRADED, Reason.ALIGNMENT_DOWN, "images fit their prompts worse", n=300)
    with serving.database.transaction() as session:
        [stored] = verdicts.add(session, "sprites", now, [NewVerdict("release_comparison", True, 2, verdict)])
        entry = ledger.newest_release(session, "sprites")
        assert entry is not None
        suspect = releases.of_entry(session, "sprites", entry.seq)
        cause = Cause(
            generator="sprites",
            key="sprites:default:release-2",
            title="Version 2 of sprites: alignment down",
            monitor="release_comparison",
            reason="alignment_down",
            event="verdict",
            summary="images fit their prompts worse",
            data={"monitor": "release_comparison", "verdict_id": stored.id, "slice": None, "version_fault": True},
            verdict_id=stored.id,
            suspect_version=2,
            suspect_release_id=suspect.id if suspect else None,
            suggested_target=1,
        )
        opened = open_of_cause(session, cause, Links("https://safelight.example"), now)
    assert opened is not None
    return opened


def claimed(channel: KnownChannel, incident: KnownIncident, **changed: Any) -> Claim:
    known = {
        "channel_id": channel.id,
        "nonce": new_id(),
        "incident_id": incident.id,
        "generator": "sprites",
        "serving": 2,
        "target": 1,
        "expires": int((CLOCK.now() + timedelta(hours=1)).timestamp()),
    }
    return Claim(**known | changed)  # type: ignore[arg-type]  # by name


def nobody(api: Installation) -> httpx.Client:
    """Somebody with a link and no key."""
    return httpx.Client(base_url=f"{api.url}/api/v1/rollback-links", trust_env=False, verify=False, timeout=30)  # noqa: S501 - nothing is encrypted


def entries(api: Installation) -> int:
    with api.database.reading() as session:
        return len(ledger.chain(session, "sprites"))


def test_what_is_no_link_of_ours_tells_nothing_and_does_nothing(
    serving: Installation, channel: KnownChannel, incident: KnownIncident
) -> None:
    before = entries(serving)
    claim = claimed(channel, incident)
    elsewhere = claimed(channel, incident, channel_id=new_id())
    with nobody(serving) as client:
        for token in ("nonsense", seal("another key", claim), seal(KEY, elsewhere), seal(KEY, claim)[:-3]):
            for verb in ("look", "use"):
                refused = client.post(f"/{verb}", json={"token": token})
                assert (refused.status_code, refused.json()["code"]) == (403, "link_invalid")
        assert client.get("/use").status_code == 404
    assert entries(serving) == before


@pytest.mark.parametrize(
    ("changed", "state"), [({"expires": 1}, "expired"), ({"serving": 1}, "stale"), ({"serving": 3}, "stale")]
)
def test_a_link_of_another_time_or_state_explains_itself(
    serving: Installation, channel: KnownChannel, incident: KnownIncident, changed: dict[str, Any], state: str
) -> None:
    before, token = entries(serving), seal(KEY, claimed(channel, incident, **changed))
    with nobody(serving) as client:
        looked = client.post("/look", json={"token": token}).json()
        assert (looked["state"], bool(looked["explanation"])) == (state, True)
        used = client.post("/use", json={"token": token})
        assert (used.status_code, used.json()["code"]) == (409, f"link_{state}")
    assert entries(serving) == before


def test_a_link_rolls_back_once_whatever_the_switch_says(
    serving: Installation, operator: httpx.Client, channel: KnownChannel, incident: KnownIncident
) -> None:
    token = seal(KEY, claimed(channel, incident))
    operator.post("/api/v1/guard/stop", json={})
    before = entries(serving)
    with nobody(serving) as client:
        looked = client.post("/look", json={"token": token}).json()
        assert (looked["state"], looked["from_version"], looked["to_version"], looked["warm"]) == ("open", 2, 1, True)
        assert entries(serving) == before
        used = client.post("/use", json={"token": token})
        assert (used.status_code, used.json()["to_version"], used.json()["actor"]) == (202, 1, "link:on call")
        again = client.post("/use", json={"token": token})
        assert (again.status_code, again.json()["code"]) == (409, "link_used")
        looked = client.post("/look", json={"token": token}).json()
        assert looked["state"] == "used"
        assert looked["release_state"] in ("flipping", "serving")
        # Another message about the same incident: something else serves now.
        other = client.post("/use", json={"token": seal(KEY, claimed(channel, incident))})
        assert other.json()["code"] == "link_stale"
    operator.post("/api/v1/guard/resume", json={})
    assert entries(serving) == before + 1
    with serving.database.reading() as session:
        done = [each for each in access.audit_page(session, None, 20) if each.action == "rollback_link.use"]
        assert len(done) == 1
        assert token not in str(done)
        assert "link" in [event.kind for event in incidents.timeline(session, incident.id)]


def test_a_link_ends_with_its_incident_and_with_its_channel(
    serving: Installation, operator: httpx.Client, channel: KnownChannel, incident: KnownIncident
) -> None:
    token = seal(KEY, claimed(channel, incident, serving=1, target=2))
    operator.post(f"/api/v1/incidents/{incident.id}/resolve", json={})
    with nobody(serving) as client:
        assert client.post("/use", json={"token": token}).json()["code"] == "link_resolved"
        with serving.client(Role.ADMIN) as admin:
            assert admin.post(f"/api/v1/notifications/channels/{channel.id}/disable").is_success
        assert client.post("/use", json={"token": token}).json()["code"] == "link_invalid"


def test_a_release_that_waits_for_its_engine_says_how_much_has_been_read(
    serving: Installation, operator: httpx.Client
) -> None:
    with serving.database.transaction() as session:
        versions.put_version(session, KnownVersion("sprites", 3, "sha256:3", MANIFEST, "", CLOCK.now(), "tester"))
        one = engines.engines(session, "sprites")[0]
        starting = replace(
            one, id=new_id(), version=3, state=EngineState.STARTING, detail="verifying the checkpoint", ready_at=None
        )
        engines.put(session, replace(starting, bytes_read=30, bytes_total=120))
    asked = operator.post("/api/v1/releases/promote", json=GENERATOR | {"version": 3}).json()
    assert asked["state"] == "preparing"
    assert asked["loading"] == {
        "host": "test-host",
        "detail": "verifying the checkpoint",
        "bytes_read": 30,
        "bytes_total": 120,
    }

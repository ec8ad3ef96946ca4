"""The routing table follows the ledger and trusts only engines that hold what serves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from registry.ledger import Draft, Entry, EntryKind, append
from registry.manifest import parse_manifest
from safelight.serving.routing import Unavailable, Usage, choose, routing_table
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.versions import KnownVersion

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
MANIFEST = parse_manifest(
    {
        "checkpoint": "sha256:" + "0" * 64,
        "dtype": "float32",
        "defaults": {"steps": 8, "guidance": 3, "width": 64, "height": 64},
        "limits": {"min_side": 32, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 50},
        "golden": [{"prompt": "a red apple", "seed": 1}],
    }
)


def promote(generator: str, version: int) -> Entry:
    draft = Draft(
        generator=generator,
        scope="default",
        kind=EntryKind.PROMOTE,
        from_version=None,
        to_version=version,
        to_digest=MANIFEST.digest,
        actor="tester",
        reason="",
    )
    return append(None, draft, MOMENT)


def known(generator: str, number: int) -> KnownVersion:
    return KnownVersion(generator, number, MANIFEST.digest, MANIFEST, "", MOMENT, "tester")


def engine(number: int, generator: str = "a", version: int = 1) -> KnownEngine:
    return KnownEngine(
        id=UUID(int=number),
        generator=generator,
        version=version,
        host="host",
        pid=number,
        url=f"http://{number}",
        state=EngineState.READY,
        detail="",
        environment_digest=None,
        started_at=MOMENT,
        ready_at=MOMENT,
        heartbeat_at=MOMENT,
    )


def test_a_route_leads_to_engines_of_the_serving_version_and_generator() -> None:
    engines = [engine(1), engine(2, version=2), engine(3, "b"), engine(4, version=2)]
    versions = {("a", 2): known("a", 2)}
    table = routing_table({"a": promote("a", 2), "b": None}, versions, engines)
    route = table.routes["a"]
    assert route is not None
    assert (route.version.number, [each.id.int for each in route.engines]) == (2, [2, 4])
    assert table.routes["b"] is None
    assert table.ledger_heads == {"a": 1}


def usage(in_flight: dict[int, int] | None = None, failed: dict[int, datetime] | None = None) -> Usage:
    return Usage(
        {UUID(int=number): count for number, count in (in_flight or {}).items()},
        {UUID(int=number): moment for number, moment in (failed or {}).items()},
        most_in_flight=60,
    )


def test_the_least_busy_engine_is_chosen_and_the_first_among_equals() -> None:
    engines = [engine(1), engine(2), engine(3)]
    assert choose(engines, usage({1: 2, 2: 1})) == engines[2]
    assert choose(engines, usage({1: 1, 2: 1, 3: 1})) == engines[0]


def test_an_engine_that_dropped_a_request_is_left_alone_until_it_beats_again() -> None:
    dropped = engine(1)
    assert choose([dropped], usage(failed={1: MOMENT})) is Unavailable.NONE_READY
    assert choose([dropped, engine(2)], usage({2: 50}, failed={1: MOMENT})) == engine(2)
    beating = replace(dropped, heartbeat_at=MOMENT + timedelta(seconds=1))
    assert choose([beating], usage(failed={1: MOMENT})) == beating


def test_without_engines_there_is_none_to_choose() -> None:
    assert choose([], usage()) is Unavailable.NONE_READY


def test_an_engine_is_given_no_more_than_it_may_have_at_a_time() -> None:
    assert choose([engine(1), engine(2)], usage({1: 60, 2: 59})) == engine(2)
    assert choose([engine(1), engine(2)], usage({1: 60, 2: 60})) is Unavailable.ALL_BUSY

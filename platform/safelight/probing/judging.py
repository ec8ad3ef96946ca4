"""Judges probe runs whose images are scored: against stored outputs, and against how well the engine repeats itself."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.preference import Departures, departures
from monitors.probes import Comparison, Repeatability, compare, repeatability
from monitors.scan import Rule
from safelight.clock import Clock
from safelight.probing.outputs import Images, brittleness, is_settled, of_repeat, outputs, pixel_distances
from safelight.probing.pairing import paired
from safelight.probing.sets import Probe
from safelight.probing.tolerance import device_of
from safelight.rounds import Turns
from safelight.scoring.examining import ImageReader
from safelight.store import ledger, probe_images, probe_sets, probes
from safelight.store.database import Database, Session, StoreAway
from safelight.store.probes import OPEN, TO_BE_MADE, KnownRun, NewRun, Purpose, RunState

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=2)
"""How long scores are waited for; what has none by then is missing."""
GIVEN_UP_AFTER = timedelta(minutes=15)
"""A run whose judging fails for so long has failed: an incident waits for all of its runs."""
CLOSER_LOOK = timedelta(minutes=10)
"""A run that is ordered because a smaller one was odd lapses after this."""


class Listener(Protocol):
    """Told of every run of an incident that has ended, in the transaction that ends it."""

    def probes_ended(self, session: Session, incident_id: UUID, now: datetime, /) -> None: ...


class ProbeJudge:
    """Any number may run; who changes a run's state has judged it."""

    def __init__(
        self,
        database: Database,
        images: ImageReader,
        embedder_digest: str,
        listener: Listener,
        clock: Clock,
        most_pairs: int,
    ) -> None:
        """`most_pairs` is the size of a closer look."""
        self._database = database
        self._images = images
        self._embedder_digest = embedder_digest
        self._listener = listener
        self._clock = clock
        self._most_pairs = most_pairs
        self._turns = Turns("probe judge", clock)

    def run_once(self) -> int:
        """Judge what is ready and end what has lapsed; returns how many runs that were."""
        now = self._clock.now()
        with self._database.reading() as session:
            open_runs = probes.in_states(session, OPEN)
        lapsed = [run for run in open_runs if run.state in TO_BE_MADE and now > run.expires_at]
        made = [run for run in open_runs if run.state is RunState.MADE]
        # Baselines first: others may be waiting to be held against them.
        ordered = sorted(made, key=lambda run: (run.purpose is not Purpose.BASELINE, run.id))
        return self._turns.take([*lapsed, *ordered], partial(self._end, now), lambda run: f"run {run.id}")

    def _end(self, now: datetime, run: KnownRun) -> bool:
        if run.state in TO_BE_MADE:
            why = "was not finished" if run.state is RunState.MAKING else "found no engine"
            return self._fail(run, f"It {why} in time.", now)
        try:
            return self._judge(run, now)
        except StoreAway:
            raise
        except Exception:
            if run.made_at is None or now - run.made_at <= GIVEN_UP_AFTER:
                raise
            logger.exception("run %s is given up", run.id)
            return self._fail(run, "It could not be judged. The worker's log has the details.", now)

    def _fail(self, run: KnownRun, why: str, now: datetime) -> bool:
        with self._database.transaction() as session:
            ledger.lock(session, run.generator)
            if probes.get(session, run.id).state is not run.state:
                return False
            self._ended(session, probes.failed(session, run.id, why, now), now)
            return True

    def _judge(self, run: KnownRun, now: datetime) -> bool:
        with self._database.reading() as session:
            images = probe_images.of_run(session, run.id, self._embedder_digest)
            if not all(map(is_settled, images)) and run.made_at is not None and now - run.made_at <= PATIENCE:
                return False
            reference = self._reference(session, run)
            if reference is None and self._is_awaited(session, run):
                return False
            stored = probe_images.of_run(session, reference.id, self._embedder_digest) if reference else []
            asked = [Probe.model_validate(each) for each in probe_sets.get(session, run.set_id).probes]
            device = device_of(session, run.environment_digest)
        first = of_repeat(images, 0)
        result: dict[str, Any] = {
            "embedder_digest": self._embedder_digest,
            "device": device,
            "brittleness": {kind.value: asdict(lost) for kind, lost in brittleness(asked, first).items()},
        }
        if run.repeats:
            result |= self._repeated(first, of_repeat(images, 1), run.places)
        found = None
        if reference is not None:
            found = self._compare(run, first, of_repeat(stored, 0), reference, device)
            result["departures"] = _departures(run, first, of_repeat(stored, 0)).to_dict()
            if run.purpose is Purpose.GATE:
                beside = paired(reference.version, first, of_repeat(stored, 0), asked, run.places)
                result["paired"] = asdict(beside)
        result["comparison"] = found.to_dict() if found else None
        with self._database.transaction() as session:
            ledger.lock(session, run.generator)
            if probes.get(session, run.id).state is not RunState.MADE:
                return False
            judged = probes.judged(session, run.id, result, reference.id if reference else None, now)
            if found is not None and found.suspicious:
                self._look_closer(session, judged, now)
            self._ended(session, judged, now)
        return True

    def _reference(self, session: Session, run: KnownRun) -> KnownRun | None:
        """The stored outputs to compare with: of the same environment if there are, else of the same device."""
        if run.purpose is Purpose.BASELINE:
            return None
        if run.purpose is Purpose.GATE:
            beside = _beside(session, run)
            return beside if beside is not None and beside.state is RunState.JUDGED else None
        whose = run.version if run.against is None else run.against
        known = probes.baselines(session, run.generator, whose, run.set_id)
        seen_alike = [each for each in known if each.result.get("embedder_digest") == self._embedder_digest]
        device = device_of(session, run.environment_digest)

        def nearness(each: KnownRun) -> tuple[bool, bool]:
            return each.environment_digest == run.environment_digest, each.result.get("device") == device

        return max(seen_alike, key=nearness, default=None)

    def _is_awaited(self, session: Session, run: KnownRun) -> bool:
        """Whether the outputs it is to be held against are being made."""
        if run.purpose is Purpose.GATE:
            beside = _beside(session, run)
            return beside is not None and beside.open
        whose = run.version if run.against is None else run.against
        return run.purpose is not Purpose.BASELINE and any(
            (each.purpose, each.generator, each.version, each.set_id)
            == (Purpose.BASELINE, run.generator, whose, run.set_id)
            for each in probes.in_states(session, OPEN)
        )

    def _repeated(self, first: Images, again: Images, places: Sequence[int]) -> dict[str, Any]:
        distances = pixel_distances(first, again, places, self._images.read)
        found = repeatability(outputs(first, places), outputs(again, places), distances)
        return {
            "repeatability": found.to_dict() if found else None,
            "repeated": {str(place): d for place, d in zip(places, distances.tolist(), strict=True) if np.isfinite(d)},
        }

    def _compare(
        self, run: KnownRun, now: Images, stored: Images, reference: KnownRun, device: str | None
    ) -> Comparison:
        places = [place for place in run.places if place in stored]
        rule = _rule(run)
        held = outputs(now, places), outputs(stored, places)
        document = reference.result.get("repeatability")
        if rule is Rule.WORSE or document is None or device != reference.result.get("device"):
            return compare(*held, rule=rule)
        tolerance = Repeatability.from_dict(document)
        pixels = pixel_distances(now, stored, places, self._images.read)
        return compare(
            *held, rule=rule, pixels=pixels, tolerance=tolerance, repeated=_repeated_distances(reference, places)
        )

    def _look_closer(self, session: Session, run: KnownRun, now: datetime) -> None:
        """What was odd in a handful is looked at in full at once."""
        if run.purpose is not Purpose.ROUTINE:
            return
        plain = probe_sets.get(session, run.set_id).plain[: self._most_pairs]
        if len(run.places) >= len(plain):
            return
        fuller = {name: getattr(run, name) for name in ("generator", "version", "set_id", "against", "host")}
        probes.order(
            session,
            NewRun(
                **fuller,
                purpose=Purpose.ROUTINE,
                places=plain,
                expires_at=now + CLOSER_LOOK,
                ordered_by=run.ordered_by,
            ),
            now,
        )

    def _ended(self, session: Session, run: KnownRun, now: datetime) -> None:
        if run.incident_id is not None:
            self._listener.probes_ended(session, run.incident_id, now)


def _beside(session: Session, run: KnownRun) -> KnownRun | None:
    """The run of what serves that a promoted version is compared with; None for the former itself."""
    return None if run.reference_id is None else probes.get(session, run.reference_id)


def _rule(run: KnownRun) -> Rule:
    """Of a version's own outputs any change counts, of another's only a loss."""
    return Rule.ANY_CHANGE if run.against in (None, run.version) else Rule.WORSE


def _departures(run: KnownRun, now: Images, stored: Images) -> Departures:
    places = [place for place in run.places if place in stored]
    return departures(outputs(now, places), outputs(stored, places), places, _rule(run))


def _repeated_distances(reference: KnownRun, places: Sequence[int]) -> NDArray[np.float64]:
    stored = reference.result.get("repeated", {})
    return np.array([stored.get(str(place), np.nan) for place in places])

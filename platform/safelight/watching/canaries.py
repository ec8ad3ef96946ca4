"""The judge of canaries: looks at what was made since its last look, and has the plan say what follows from it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.canary import Counts, Margins
from monitors.sample import ALIGNMENT
from monitors.verdict import Health, Reason, Verdict
from registry.canary import CanaryPlan
from registry.progress import State
from safelight.clock import Clock, bucket_start
from safelight.releasing.canary import Canarying
from safelight.responding.announcement import Links
from safelight.responding.calling_off import MONITOR, tell
from safelight.rounds import Turns
from safelight.store import baselines, canaries, chains, ledger, releases, scores, shadows, totals
from safelight.store.canaries import KnownCanary
from safelight.store.database import Database, Session
from safelight.store.releases import CANARIES, KnownRelease
from safelight.store.scores import ScoredGeneration
from safelight.watching.lease import Leadership
from safelight.watching.lenses import LensCache, LensUnreadable
from safelight.watching.references import references
from safelight.watching.samples import CANARY_ARM, SCHEMA, SERVING_ARM, Row, row, sample
from safelight.watching.situation import defaults_of

_log = logging.getLogger(__name__)

_SETTLED = timedelta(seconds=2)
"""What was made later than this ago may still be on its way to the database."""
_LATE = timedelta(minutes=10)
"""What became of a request is told by then: no deadline is longer. Older buckets are not added up again."""
_ONE_SIDED = timedelta(minutes=1)
"""For so long images of one version wait for some of the other to be compared with."""
_MOST = 500
"""Images of each version compared in one look: the newest. A look is as dear at any traffic."""
_COLUMN = [scalar.name for scalar in SCHEMA.scalars].index(ALIGNMENT)
_FAILED = Verdict(Health.ERROR, Reason.FAILED, "The judge itself failed. The worker's log has the details.")


class CanaryJudge:
    """Runs in every worker; the one that leads judges. Each look moves one canary, in a transaction of its own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        leadership: Leadership,
        canarying: Canarying,
        lenses: LensCache,
        links: Links,
        embedder_digest: str,
        bucket_seconds: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._leadership = leadership
        self._canarying = canarying
        self._lenses = lenses
        self._links = links
        self._embedder_digest = embedder_digest
        self._bucket_seconds = bucket_seconds
        self._turns = Turns("canaries", clock)

    def run_once(self) -> int:
        """Look at every canary that runs; returns how many moved."""
        if not self._leadership.held():
            return 0
        with self._database.reading() as session:
            under_way = releases.in_states(session, CANARIES)
        return self._turns.take(under_way, self._judge, lambda release: f"release {release.id}")

    def _judge(self, release: KnownRelease) -> bool:
        with self._database.reading() as session:
            canary = canaries.find(session, release.id)
        return canary is not None and self._follow(release, canary, self._looked_at(release, canary))

    def _follow(self, release: KnownRelease, seen: KnownCanary, judged: KnownCanary) -> bool:
        with self._database.transaction() as session:
            ledger.lock(session, release.generator)
            current = releases.require(session, release.id)
            # Whoever moved it while it was looked at changed what was looked for: the next look sees it.
            if current.state not in CANARIES or canaries.find(session, release.id) != seen:
                return False
            if not self._leadership.confirm(session):
                return False
            after = self._canarying.follow(session, current, judged)
            if after.state is State.ABORTED and judged.verdict is not None:
                tell(session, after, MONITOR, judged.verdict, self._links, self._clock.now())
            return after.state is not current.state

    def _looked_at(self, release: KnownRelease, canary: KnownCanary) -> KnownCanary:
        now = self._clock.now()
        try:
            with self._database.reading() as session:
                seen = self._look(session, release, canary, now)
            return replace(seen, verdict=seen.judgement.verdict(_margins(canary.plan)), judged_at=now)
        except Exception:  # noqa: BLE001 - whatever it is, the step is not passed, and the next look may do better
            _log.exception("the canary of release %s could not be judged", release.id)
            return replace(canary, verdict=_FAILED, judged_at=now)

    def _look(self, session: Session, release: KnownRelease, canary: KnownCanary, now: datetime) -> KnownCanary:
        margins = _margins(canary.plan)
        counted = self._counted(session, release, canary, margins, now)
        start = canary.judged_until or now
        oldest = scores.oldest_waiting(session, release.generator)
        until = min(now - _SETTLED, oldest or now)
        if until <= start:
            return counted
        pairs = shadows.pairs(
            session,
            release.generator,
            release.to_version,
            start,
            until,
            embedder_digest=self._embedder_digest,
            limit=_MOST,
        )
        ours = self._made(session, release.generator, release.to_version, CANARY_ARM, start, until)
        theirs = self._made(session, release.generator, release.from_version, SERVING_ARM, start, until) if ours else []
        if (canary.at.weight and not theirs) and until - start < _ONE_SIDED:
            return counted
        judgement = counted.judgement.after_pairs(
            np.array([_or_nan(each.shadow) for each in pairs]),
            np.array([_or_nan(each.served) for each in pairs]),
            margins,
        )
        judgement = judgement.after_alignments(*self._alignments(session, release, ours, theirs), margins)
        # What was made at the step before says nothing of whether this one has any traffic.
        of_step = len(pairs) + len(ours) if canary.step_at and start >= canary.step_at else 0
        return replace(counted, judgement=judgement, judged_until=until, images=counted.images + of_step)

    def _counted(
        self, session: Session, release: KnownRelease, canary: KnownCanary, margins: Margins, now: datetime
    ) -> KnownCanary:
        """With what became of both versions' requests since the last look, however late it was told."""
        began = canary.counted.get("since")
        since = datetime.fromisoformat(began) if began else bucket_start(now, self._bucket_seconds)
        ours, theirs = self._both(session, release, since, now)
        if not canary.counted:  # what was there before it began is no part of it
            return replace(canary, counted=_document(since, ours, theirs))
        new, serving = _less(ours, canary.counted["new"]), _less(theirs, canary.counted["serving"])
        if not new.made or not serving.made:
            return canary
        rng = np.random.default_rng([ours.made, theirs.made, release.id.int % 2**32])
        later = max(since, bucket_start(now - _LATE, self._bucket_seconds))
        if later != since:
            ours, theirs = self._both(session, release, later, now)
        judgement = canary.judgement.after_counts(new, serving, margins, rng)
        return replace(canary, judgement=judgement, counted=_document(later, ours, theirs))

    def _both(self, session: Session, release: KnownRelease, since: datetime, now: datetime) -> tuple[Counts, Counts]:
        return (
            self._count(session, release.generator, release.to_version, CANARY_ARM, since, now),
            self._count(session, release.generator, release.from_version, SERVING_ARM, since, now),
        )

    def _count(
        self, session: Session, generator: str, version: int | None, arm: str, since: datetime, until: datetime
    ) -> Counts:
        if version is None:
            return Counts(0, 0)
        until += timedelta(seconds=self._bucket_seconds)
        found = totals.totals(session, generator, version, arm, self._embedder_digest, since, until)
        # Those that were served and not looked at yet are neither: they are counted once they have been.
        spoilt = found.filtered + found.failed + found.blank + found.broken
        return Counts(found.filtered + found.failed + found.scored, spoilt)

    def _made(
        self, session: Session, generator: str, version: int | None, arm: str, start: datetime, until: datetime
    ) -> list[Row]:
        if version is None:
            return []
        found: list[ScoredGeneration] = scores.made_between(
            session,
            generator,
            version,
            start,
            until,
            arms=(arm,),
            embedder_digest=self._embedder_digest,
            limit=_MOST,
        )
        defaults = defaults_of(session, generator, version)
        return [read for each in found if (read := row(each, defaults)) is not None]

    def _alignments(
        self, session: Session, release: KnownRelease, ours: Sequence[Row], theirs: Sequence[Row]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of both versions' traffic, less what the prompts led to expect, as far as a baseline of what serves says."""
        if not ours or not theirs:
            return np.zeros(0), np.zeros(0)
        together = sample([*ours, *theirs])
        values = together.scalars[:, _COLUMN]
        known = baselines.of_generator(session, release.generator)
        serving = release.from_version or 0
        leading = chains.leading_to(session, release.generator, serving)
        for baseline in references(serving, leading, known, self._embedder_digest).all:
            try:
                values = self._lenses.get(session, baseline).beyond_expected(together)[:, _COLUMN]
                break
            except LensUnreadable:
                continue
        return values[: len(ours)].astype(float), values[len(ours) :].astype(float)


def _margins(plan: CanaryPlan) -> Margins:
    return Margins(
        plan.alpha, plan.alignment_tolerance, plan.alignment_margin, plan.spoilt_tolerance, plan.spoilt_margin
    )


def _document(since: datetime, ours: Counts, theirs: Counts) -> dict[str, Any]:
    return {"since": since.isoformat(), "new": [ours.made, ours.spoilt], "serving": [theirs.made, theirs.spoilt]}


def _less(now: Counts, before: Sequence[int]) -> Counts:
    made, spoilt = before
    return Counts(max(now.made - made, 0), min(max(now.spoilt - spoilt, 0), max(now.made - made, 0)))


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value

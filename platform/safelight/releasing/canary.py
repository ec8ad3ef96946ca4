"""Canaries: a promote that takes the traffic step by step, on as it is judged or as a person says."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from registry.canary import CanaryCode, CanaryRefused, Finding, Move, Standing, Why, decide
from registry.progress import OPEN, Event, State
from registry.rules import serving
from safelight.clock import Clock
from safelight.releasing.service import Releasing
from safelight.store import access, canaries, chains, guard, ledger, releases
from safelight.store.canaries import KnownCanary
from safelight.store.database import Session
from safelight.store.releases import CANARIES, KnownRelease

ACTOR = "safelight"
Verb: TypeAlias = Callable[[Session, UUID, str, str], KnownRelease]


class Canarying:
    """Every method runs in the caller's transaction, with the generator's ledger locked: one mover at a time.

    Those that a person asks for take who and why. All raise `release_not_found`, and CanaryRefused or
    IllegalTransition where the release is not at a point where that can be done.
    """

    def __init__(self, releasing: Releasing, clock: Clock) -> None:
        self._releasing = releasing
        self._clock = clock

    def promote(self, session: Session, release_id: UUID, actor: str, reason: str) -> KnownRelease:
        """Take the next step now, whatever has been shown; after the last one all traffic."""
        release, canary = self._running(session, release_id)
        self._record(session, release, actor, "release.step", reason)
        return self._next(session, release, canary, reason or f"asked for by {actor}")

    def promote_fully(self, session: Session, release_id: UUID, actor: str, reason: str) -> KnownRelease:
        """Have it serve all traffic now, whatever has been shown."""
        release, _ = self._running(session, release_id)
        self._record(session, release, actor, "release.promote_fully", reason)
        return self._finish(session, release, reason or f"asked for by {actor}")

    def pause(self, session: Session, release_id: UUID, actor: str, reason: str) -> KnownRelease:
        """Stay at this step until somebody says otherwise. It is watched, and called off if it is worse."""
        release, _ = self._running(session, release_id)
        self._record(session, release, actor, "release.pause", reason)
        return self._releasing.move(session, release, Event.PAUSE, reason or f"asked for by {actor}")

    def resume(self, session: Session, release_id: UUID, actor: str, reason: str) -> KnownRelease:
        """Go on where it was paused: the next step comes once this one has baked and is shown to be no worse."""
        release, canary = self._running(session, release_id)
        self._record(session, release, actor, "release.resume", reason)
        resumed = self._releasing.move(session, release, Event.RESUME, reason or f"asked for by {actor}")
        canaries.put(session, replace(canary, answered=True))
        return resumed

    def abort(self, session: Session, release_id: UUID, actor: str, reason: str) -> KnownRelease:
        """Call it off: from now on no request goes to it. One that is still being loaded can be called off too."""
        return self._releasing.abort(session, _locked(session, release_id), actor, reason)

    def retry(self, session: Session, release_id: UUID, actor: str, reason: str) -> KnownRelease:
        """Ask for the same promote again, from its first step; returns the new release."""
        release = _locked(session, release_id)
        canary = canaries.find(session, release_id)
        if canary is None or release.state in {*OPEN, State.ACCEPTED}:
            raise CanaryRefused(
                CanaryCode.NOT_OVER,
                f"This release is {release.state}. Only one with a canary that was called off, failed or replaced is "
                "tried again.",
            )
        return self._releasing.promote(
            session,
            generator=release.generator,
            version=release.to_version,
            expected_serving=None,
            actor=actor,
            reason=reason or release.reason,
            canary=canary.plan,
        )

    def follow(self, session: Session, release: KnownRelease, judged: KnownCanary) -> KnownRelease:
        """Keep what was just found of a canary that runs, and do what its plan says to that.

        While the stop switch is on it goes no further by itself; it is called off all the same.
        """
        canaries.put(session, judged)
        if serving(chains.decisive(session, release.generator)) != release.from_version:
            detail = "another version has come to serve meanwhile; ask again"
            return self._releasing.move(session, release, Event.FAIL, detail)
        move, why = _decided(release, judged, self._clock, stopped=guard.stopped(session) is not None)
        said = _said(why, judged)
        match move:
            case Move.WAIT:
                return release
            case Move.PAUSE:
                return self._releasing.move(session, release, Event.PAUSE, said)
            case Move.ABORT:
                return self._releasing.abort(session, release, ACTOR, said)
            case Move.STEP | Move.FINISH:
                return self._next(session, release, judged, said)

    def _next(self, session: Session, release: KnownRelease, canary: KnownCanary, said: str) -> KnownRelease:
        if canary.step + 1 == len(canary.plan.steps):
            return self._finish(session, release, said)
        later = replace(canary, step=canary.step + 1, step_at=self._clock.now(), answered=False, images=0)
        canaries.put(session, later)
        return self._releasing.move(session, release, Event.STEP, f"step {later.step + 1}: {later.at}. {said}")

    def _finish(self, session: Session, release: KnownRelease, said: str) -> KnownRelease:
        return self._releasing.flip(session, release, f"the canary has ended: {said}")

    def _running(self, session: Session, release_id: UUID) -> tuple[KnownRelease, KnownCanary]:
        release = _locked(session, release_id)
        canary = canaries.find(session, release_id)
        if canary is None or release.state not in CANARIES:
            raise CanaryRefused(
                CanaryCode.NONE_RUNS,
                f"This release is {release.state}, and no canary of it takes traffic. Load the release again.",
            )
        return release, canary

    def _record(self, session: Session, release: KnownRelease, actor: str, action: str, reason: str) -> None:
        change = f"{release.generator} {release.from_version} -> {release.to_version}"
        access.record_audit(session, self._clock.now(), actor, action, change, reason)


def _decided(release: KnownRelease, canary: KnownCanary, clock: Clock, *, stopped: bool) -> tuple[Move, Why]:
    finding = Finding(canary.verdict.health.value) if canary.verdict else Finding.INCONCLUSIVE
    since, paused = canary.step_at or release.created_at, release.state is State.PAUSED
    standing = Standing(canary.step, since, paused, canary.answered, stopped)
    return decide(canary.plan, standing, finding, canary.images, clock.now())


def _said(why: Why, judged: KnownCanary) -> str:
    """A verdict that decides speaks for itself."""
    if judged.verdict is None:
        return str(why)
    return judged.verdict.summary if why in (Why.WORSE, Why.PASSED) else f"{why}: {judged.verdict.summary}"


def _locked(session: Session, release_id: UUID) -> KnownRelease:
    """The release as it stands once nobody else can move it."""
    ledger.lock(session, releases.require(session, release_id).generator)
    return releases.require(session, release_id)

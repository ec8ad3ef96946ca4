"""Adding scores to the buckets that monitors and charts are read from, in the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from uuid import UUID

from monitors.lens import Lens
from safelight.clock import Clock
from safelight.scoring.fold import Scored, View, fold_signals, fold_sketches, merge
from safelight.store import baselines, chains, sketches
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.store.slices import admit
from safelight.watching.lenses import LensCache, LensUnreadable
from safelight.watching.references import references
from safelight.watching.situation import defaults_of
from safelight.watching.slicing import Slicing, slices_of


class Folder:
    """Folds what one embedder has seen: into the sums of all traffic, and into those of each slice."""

    def __init__(
        self, lenses: LensCache, embedder_digest: str, slicing: Slicing, clock: Clock, bucket_seconds: int
    ) -> None:
        self._lenses = lenses
        self._embedder_digest = embedder_digest
        self._slicing = slicing
        self._clock = clock
        self._bucket_seconds = bucket_seconds

    def fold(self, session: Session, scored: Sequence[Scored]) -> None:
        """Add each of `scored` once. The caller sees to it that none is handed in twice."""
        views = self._views(session, scored)
        slices = self._slices(session, scored, views)
        for signal_key, sums in sorted(fold_signals(scored, self._bucket_seconds).items()):
            sketches.add_signals(session, signal_key, sums)
        for key, sketch in sorted(fold_sketches(scored, views, slices, self._bucket_seconds).items()):
            sketches.fold_sketch(session, key, int(sketch.n), sketch.to_bytes(), merge)

    def _views(self, session: Session, scored: Sequence[Scored]) -> dict[tuple[str, int], View]:
        views = {}
        for generator, number in {(made.generator, made.version) for made, _ in scored}:
            known = baselines.of_generator(session, generator)
            entries = chains.leading_to(session, generator, number)
            relevant = references(number, entries, known, self._embedder_digest).all
            lenses = list(self._readable(session, relevant))
            views[generator, number] = View(defaults_of(session, generator, number), lenses)
        return views

    def _readable(self, session: Session, relevant: Iterable[KnownBaseline]) -> Iterator[tuple[UUID, Lens]]:
        """A baseline of another release must not stop the queue: its monitor says that it has nothing to go by."""
        for baseline in relevant:
            with suppress(LensUnreadable):
                yield baseline.id, self._lenses.get(session, baseline)

    def _slices(
        self, session: Session, scored: Sequence[Scored], views: Mapping[tuple[str, int], View]
    ) -> dict[UUID, list[str]]:
        """The names of the slices that each generation is counted in."""
        names: dict[UUID, list[str]] = {}
        for generator in sorted({made.generator for made, _ in scored}):
            wanted = {
                made.generation_id: list(
                    slices_of(made, views[generator, made.version].defaults, self._slicing.attributes)
                )
                for made, _ in scored
                if made.generator == generator
            }
            every = set(chain.from_iterable(wanted.values()))
            admitted = admit(session, generator, every, self._slicing.most, self._clock.now())
            names |= {each: [admitted[part].name for part in parts] for each, parts in wanted.items()}
        return names

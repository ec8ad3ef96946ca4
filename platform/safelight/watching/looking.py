"""The generations behind a verdict: those of its window and, where it speaks of one, of its slice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from safelight.settings import SliceAttribute
from safelight.store import scores
from safelight.store.database import Session
from safelight.store.scores import ScoredGeneration
from safelight.store.slices import Slice
from safelight.watching.samples import SERVING_ARM, Row, row
from safelight.watching.situation import defaults_of
from safelight.watching.slicing import parameter_class

LOOKED_AT = 1_000
"""The newest generations of the window that are read, however many it holds."""


@dataclass(frozen=True)
class Seen:
    """`generations` are the newest first; `readable` are those of them that show something, each with its row."""

    generations: Sequence[ScoredGeneration]
    readable: Sequence[tuple[ScoredGeneration, Row]]

    @property
    def rows(self) -> list[Row]:
        return [read for _, read in self.readable]


def look(
    session: Session,
    generator: str,
    version: int,
    start: datetime,
    end: datetime,
    *,
    embedder_digest: str,
    part: Slice | None = None,
) -> Seen:
    """What the serving arm made of a version in a range of time; of one slice, or of all traffic."""
    found = scores.made_between(
        session,
        generator,
        version,
        start,
        end,
        arms=(SERVING_ARM,),
        embedder_digest=embedder_digest,
        limit=LOOKED_AT,
        part=part,
    )
    defaults = defaults_of(session, generator, version)
    if part is not None and part.attribute is SliceAttribute.PARAMETERS and defaults is not None:
        found = [each for each in found if parameter_class(each.parameters, defaults) == part.value]
    return Seen(found, [(each, read) for each in found if (read := row(each, defaults)) is not None])

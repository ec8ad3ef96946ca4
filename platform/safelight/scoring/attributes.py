"""Reads, once an hour, what the newest images show of the attributes that prompts leave open."""

from datetime import datetime, timedelta

import numpy as np

from monitors.shares import UNCLEAR, name_options
from safelight.clock import Clock, bucket_start
from safelight.scoring.embedder import Embedder
from safelight.store import attributes, ledger
from safelight.store.attributes import Attribute, Reading
from safelight.store.database import Database, Session
from safelight.watching.samples import SERVING_ARM

HOUR = 3600
_WINDOW = timedelta(days=1)
_MOST_IMAGES = 2_000


class AttributeReader:
    """Informs only: what is right to show is for people to decide."""

    def __init__(self, database: Database, embedder: Embedder, clock: Clock) -> None:
        self._database = database
        self._embedder = embedder
        self._clock = clock

    def run_once(self) -> int:
        """Read every attribute that has no reading of this hour; returns how many were read."""
        slot = bucket_start(self._clock.now(), HOUR)
        with self._database.reading() as session:
            due = [
                each
                for each in attributes.all_of(session)
                if not any(
                    reading.slot == slot for reading in attributes.readings(session, each.generator, each.name, 1)
                )
            ]
            read = [(each, self._read(session, each, slot)) for each in due]
        for attribute, reading in read:
            if reading is not None:
                with self._database.transaction() as session:
                    attributes.keep(session, attribute, reading)
        return sum(reading is not None for _, reading in read)

    def _read(self, session: Session, attribute: Attribute, slot: datetime) -> Reading | None:
        """None while nothing serves. Only the serving version's images count: a mixture would be nobody's."""
        entry = ledger.newest_release(session, attribute.generator)
        if entry is None:
            return None
        images = attributes.embeddings(
            session,
            attribute,
            entry.to_version,
            self._embedder.digest,
            slot - _WINDOW,
            slot,
            arms=(SERVING_ARM,),
            limit=_MOST_IMAGES,
        )
        named = name_options(np.stack(images), self._embedder.embed_prompts(attribute.options)[0]) if images else ()
        return Reading(
            slot=slot,
            version=entry.to_version,
            embedder_digest=self._embedder.digest,
            counts=tuple(int(np.sum(np.equal(named, option))) for option in range(len(attribute.options))),
            unclear=int(np.sum(np.equal(named, UNCLEAR))),
        )

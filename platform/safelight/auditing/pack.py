"""A pack of evidence: for a generator and a period, every record, and what it speaks to."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version as installed

from safelight.auditing.frameworks import FRAMEWORKS, Claim
from safelight.auditing.records import Period, Record, Section
from safelight.auditing.sections import SECTIONS
from safelight.errors import Kind, SafelightError
from safelight.handouts.page import stream
from safelight.store import versions
from safelight.store.database import Database

_NAMED = 3
"""Records that a claim links one by one; of the others it says how many there are."""


@dataclass
class Tally:
    """What was found while the records were written: how many of each kind, and which speak for a claim."""

    records: Counter[str] = field(default_factory=Counter)
    shown: Counter[Claim] = field(default_factory=Counter)
    named: dict[Claim, list[Record]] = field(default_factory=dict)

    def add(self, section: Section, record: Record) -> None:
        self.records[section.name] += 1
        for claim in _CLAIMS.get(section.name, ()):
            if claim.shown_by(record.document):
                self.shown[claim] += 1
                first = self.named.setdefault(claim, [])
                if len(first) < _NAMED:
                    first.append(record)

    def missing(self) -> list[Claim]:
        return [claim for framework in FRAMEWORKS for claim in framework.claims if not self.shown[claim]]


_CLAIMS: dict[str, list[Claim]] = {}
for _framework in FRAMEWORKS:
    for _claim in _framework.claims:
        _CLAIMS.setdefault(_claim.section, []).append(_claim)


def evidence(database: Database, period: Period, now: datetime) -> Iterator[tuple[str, Iterable[str]]]:
    """Files by name, in pieces: `records/*.json`, and `index.html`, which holds all of it and links it to the claims.

    Raises `generator_not_found` and `range_invalid` before the first one is made.
    """
    with database.reading() as session:
        versions.require_generator(session, period.generator)
    if not period.since < period.until:
        raise SafelightError(Kind.INVALID, "range_invalid", "'since' lies before 'until'.")
    return _files(database, period, now)


def _files(database: Database, period: Period, now: datetime) -> Iterator[tuple[str, Iterable[str]]]:
    tally = Tally()
    for section in SECTIONS:
        yield f"records/{section.name}.json", _json(database, period, section, tally)
    yield "index.html", _page(database, period, tally, now)


def _json(database: Database, period: Period, section: Section, tally: Tally) -> Iterator[str]:
    separator = "[\n"
    for record in section.read(database, period):
        tally.add(section, record)
        yield separator + json.dumps({"id": record.id, "title": record.title, **_body(record)}, ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _body(record: Record) -> dict[str, object]:
    return {"at": record.at.isoformat() if record.at else None, "record": record.document}


def _page(database: Database, period: Period, tally: Tally, now: datetime) -> Iterator[str]:
    return stream(
        "evidence.html",
        period=period,
        frameworks=FRAMEWORKS,
        sections=SECTIONS,
        tally=tally,
        missing=tally.missing(),
        read=lambda section: section.read(database, period),
        as_json=lambda document: json.dumps(document, indent=1, ensure_ascii=False),
        safelight=installed("safelight"),
        now=now,
    )

"""The post-mortem of an incident: what is on record of it, in Markdown, with charts and images beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from monitors.windows import spoken
from safelight.handouts.chart import Chart, Sighting, chart, span
from safelight.handouts.page import line, number, render
from safelight.recording.images import ImageStore
from safelight.responding.correlating import changes_before
from safelight.store import generations, incidents, judgements, releases, sketches, traffic, verdicts
from safelight.store.database import Database, Session
from safelight.store.incidents import KnownIncident

AROUND = timedelta(hours=1)
_MOST_IMAGES = 12
_ARMS = ("stable", "canary")


@dataclass(frozen=True)
class _Image:
    """One of the worst images; `content` None where it is kept no longer."""

    id: UUID
    prompt: str
    alignment: float | None
    content: bytes | None

    @property
    def name(self) -> str:
        return f"images/{self.id}.webp"


def post_mortem(
    database: Database, images: ImageStore, incident_id: UUID, now: datetime
) -> Iterator[tuple[str, Sequence[str | bytes]]]:
    """Files by name, `post-mortem.md` first. Raises `incident_not_found` before the first one is made.

    What Safelight cannot know, why it came to this and what is to be done, is left for people to write.
    """
    with database.reading() as session:
        incident = incidents.require(session, incident_id)
        text, charts = _written(session, incident, now)
        shown = [_image(session, images, each) for each in incident.evidence.get("worst_images", [])[:_MOST_IMAGES]]
    files: list[tuple[str, Sequence[str | bytes]]] = [("post-mortem.md", [text, *_gallery(shown)])]
    files += [(name, [drawing]) for name, drawing in charts.items()]
    files += [(each.name, [each.content]) for each in shown if each.content is not None]
    return iter(files)


def _written(session: Session, incident: KnownIncident, now: datetime) -> tuple[str, dict[str, str]]:
    verdict = verdicts.get(session, incident.verdict_id) if incident.verdict_id is not None else None
    charts = _charts(session, incident, now)
    content: dict[str, Any] = {
        "incident": incident,
        "verdict": verdict.verdict if verdict else None,
        "suspect": releases.find(session, incident.suspect_release_id) if incident.suspect_release_id else None,
        "repair": releases.find(session, incident.repair_release_id) if incident.repair_release_id else None,
        "timeline": incidents.timeline(session, incident.id),
        "changes": changes_before(session, incident),
        "judgements": judgements.of_incident(session, incident.id),
        "lasted": spoken(((incident.resolved_at or now) - incident.opened_at).total_seconds()),
        "charts": charts,
        "now": now,
    }
    return render("post_mortem.md", **content), charts


def _charts(session: Session, incident: KnownIncident, now: datetime) -> dict[str, str]:
    """Drawn from an hour before it opened to an hour after it ended; none of what nothing is known of."""
    start, end = incident.opened_at - AROUND, min(now, (incident.resolved_at or now) + AROUND)
    embedder = sketches.newest_embedder(session, incident.generator)
    seen = (
        sketches.signals(session, incident.generator, start, end, embedder_digest=embedder, arms=_ARMS)
        if embedder
        else []
    )
    answered = [each for each in traffic.between(session, incident.generator, start, end) if each.arm in _ARMS]
    drawn = {
        "charts/alignment.svg": [
            Sighting(each.bucket_start, each.version, _mean(each.sums), each.sums.n) for each in seen
        ],
        "charts/failed.svg": [
            Sighting(
                each.bucket_start,
                each.version,
                each.failed / made if (made := each.served + each.failed) else None,
                made,
            )
            for each in answered
        ],
    }
    return {name: _drawing(name, points, incident) for name, points in drawn.items() if points}


def _mean(sums: sketches.SignalSums) -> float | None:
    seen = sums.n - sums.broken
    return sums.alignment_sum / seen if seen else None


def _drawing(name: str, points: list[Sighting], incident: KnownIncident) -> str:
    whole: Chart = chart(sorted(points, key=lambda each: each.at))
    lasted = span(incident.opened_at, incident.resolved_at or whole.end, whole)
    title = {"charts/alignment.svg": "Prompt alignment", "charts/failed.svg": "Share of requests that failed"}[name]
    return render("chart.svg", chart=whole, span=lasted, title=title)


def _image(session: Session, images: ImageStore, told: dict[str, Any]) -> _Image:
    found = generations.find(session, UUID(told["id"]))
    key = found.thumbnail_key if found else None
    try:
        content = images.read(key) if key else None
    except OSError:
        content = None
    return _Image(UUID(told["id"]), found.prompt if found else "", told.get("alignment"), content)


def _gallery(shown: list[_Image]) -> Iterator[str]:
    if shown:
        yield "\n## Worst images\n"
    for each in shown:
        said = line(each.prompt) or "no prompt on record"
        picture = f"![{each.id}]({each.name})" if each.content is not None else "(kept no longer)"
        yield f"\n{picture}\n{said}; alignment {number(each.alignment)}, generation {each.id}\n"

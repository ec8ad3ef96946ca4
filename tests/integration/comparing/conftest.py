"""Scored generations of three versions, straight in the store: version 2 like 1, version 3 off its prompts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.ids import first_id_at
from safelight.store import scores, sketches, traffic, versions
from safelight.store.database import Database
from safelight.store.scores import GenerationScore
from safelight.store.sketches import SignalKey, SignalSums
from safelight.store.tables import GenerationRow
from safelight.store.traffic import LATENCY_CLASSES, Traffic
from safelight.store.versions import KnownVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EMBEDDER = "sha256:eyes"
DIMENSIONS = 16
MANIFEST = Manifest(
    checkpoint="sha256:" + "3" * 64,
    dtype="float32",
    defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
    limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
    golden=(Golden(prompt="a red ball", seed=1),),
)
Serve = Callable[..., None]


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture
def registered(database: Database) -> Database:
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", NOON)
        for number in (1, 2, 3):
            known = KnownVersion("portraits", number, f"sha256:b{number}", MANIFEST, "", NOON, "anna")
            versions.put_version(session, known)
    return database


@pytest.fixture
def serve(registered: Database) -> Serve:
    """`serve(version, n, at=...)`: n generations of a version from that time on, a second apart, all scored."""

    def served(
        version: int, n: int, *, at: datetime = NOON, fidelity: float = 0.9, topics: int = 40, blank: int = 0
    ) -> None:
        rng = np.random.default_rng([version, at.day, n])
        topic = np.random.default_rng(0).standard_normal((40, DIMENSIONS))
        rows, scored = [], []
        sums = SignalSums(n=n, blank=blank)
        for i in range(n):
            made = at + timedelta(seconds=i)
            identifier = UUID(int=first_id_at(made).int + version)
            chosen = int(rng.integers(topics))
            words = _unit(topic[chosen] + 0.3 * rng.standard_normal(DIMENSIONS))
            image = _unit(fidelity * words + (1 - fidelity) * rng.standard_normal(DIMENSIONS))
            alignment = float(words @ image)
            shown = i >= blank
            rows.append(_generation(identifier, made, version, f"topic {chosen}, number {i}", 200.0 + i % 50))
            scored.append(
                GenerationScore(
                    generation_id=identifier,
                    generator="portraits",
                    version=version,
                    scored_at=made,
                    embedder_digest=EMBEDDER,
                    alignment=alignment if shown else None,
                    sharpness=1.0 if shown else None,
                    contrast=0.5 if shown else None,
                    brightness=0.5 if shown else None,
                    blank=not shown,
                    image_embedding=image if shown else None,
                    prompt_embedding=words if shown else None,
                )
            )
        minute = at.replace(second=0)
        counted = Traffic("portraits", version, "stable", minute, n, 0, 5, 0, (0,) * LATENCY_CLASSES, 120_000.0)
        with registered.transaction() as session:
            session.add_all(rows)
            scores.add(session, scored)
            traffic.add(session, [counted])
            sketches.add_signals(session, SignalKey("portraits", version, "stable", EMBEDDER, minute), sums)

    return served


def _generation(identifier: UUID, at: datetime, version: int, prompt: str, total_ms: float) -> GenerationRow:
    return GenerationRow(
        id=identifier,
        created_at=at,
        generator="portraits",
        version=version,
        bundle_digest=f"sha256:b{version}",
        source="engine",
        arm="stable",
        outcome="served",
        request_id=identifier,
        prompt=prompt,
        parameters={},
        envelope={},
        total_ms=total_ms,
    )

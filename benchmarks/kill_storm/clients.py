"""Clients that never stop asking, and note what they were given."""

import asyncio
import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from safelight.studio.demo import GENERATOR

_AGAIN_AFTER = 0.2


@dataclass
class Given:
    """The digest of every image that a client was given, by the generation's id, and the answers that were none."""

    images: dict[UUID, str] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)


async def ask(url: str, key: str, clients: int, given: Given, stop: asyncio.Event) -> None:
    """Ask with so many clients until told to stop."""
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60.0, limits=limits, trust_env=False) as http:
        await asyncio.gather(*(_client(http, number, given, stop) for number in range(clients)))


async def _client(http: httpx.AsyncClient, number: int, given: Given, stop: asyncio.Event) -> None:
    turn = 0
    while not stop.is_set():
        turn += 1
        asked = {
            "generator": GENERATOR,
            "prompt": f"a red balloon on a blue background, {number}",
            "seed": number * 1_000_000 + turn,
            "steps": 2,
            "b64_json": True,
        }
        try:
            reply = await http.post("/api/v1/generations", json=asked)
        except httpx.HTTPError as error:
            given.refusals[type(error).__name__] += 1
            await asyncio.sleep(_AGAIN_AFTER)
            continue
        if reply.status_code != 200:
            given.refusals[str(reply.status_code)] += 1
            await asyncio.sleep(_AGAIN_AFTER)
            continue
        for made in reply.json()["items"]:
            image = base64.b64decode(made["b64_json"])
            given.images[UUID(made["id"])] = hashlib.sha256(image).hexdigest()

"""A thousand connections at once: each gets an answer, most of them a polite no, and whoever comes next is served."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx

from safelight.access import Role

PATH = "/api/v1/generations"
ASKED = {"generator": "sprites", "prompt": "a red apple", "steps": 1}
CONNECTIONS = 1000


async def crowd(url: httpx.URL, key: str) -> list[bytes]:
    """What each connection reads until it is closed; all are open before the first of them asks."""
    body = json.dumps(ASKED).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
    asked = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    connections = await asyncio.gather(*(asyncio.open_connection(url.host, url.port) for _ in range(CONNECTIONS)))

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(asked)
        answer = await reader.read(-1)
        writer.close()
        return answer

    return await asyncio.gather(*(ask(*connection) for connection in connections))


def test_a_thousand_connections_at_once_are_all_answered_and_harm_nobody_else(api: Any) -> None:
    answers = asyncio.run(crowd(httpx.URL(api.url), api.keys[Role.CLIENT][1]))
    assert Counter(answer.partition(b"\r\n")[0] for answer in answers).keys() == {
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 429 Too Many Requests",
    }
    refused = [answer for answer in answers if b" 429 " in answer[:20]]
    assert all(b"retry-after: " in answer and b'"code":"too_many_' in answer for answer in refused)
    with api.client() as client:
        assert client.get("/healthz").status_code == 200
        assert client.post(PATH, json=ASKED).status_code == 200

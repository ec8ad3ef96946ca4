"""Replies that were given under an `Idempotency-Key`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from safelight.store.tables.access import IdempotentReply
from safelight.store.upsert import insert


@dataclass(frozen=True)
class Reply:
    """What a key stands for; no status means that the first request has not been answered yet."""

    request_hash: str
    status: int | None
    body: dict[str, Any] | None


def claim(session: Session, actor: str, key: str, request_hash: str, now: datetime) -> Reply | None:
    """None when the key is new, and now taken by this request; else what was kept under it."""
    statement = insert(session, IdempotentReply).values(
        actor=actor, key=key, request_hash=request_hash, status=None, body=None, created_at=now
    )
    if session.scalar(statement.on_conflict_do_nothing().returning(IdempotentReply.key)) is not None:
        return None
    row = session.get_one(IdempotentReply, (actor, key))
    return Reply(row.request_hash, row.status, row.body)


def keep(session: Session, actor: str, key: str, status: int, body: dict[str, Any]) -> None:
    """Remember the reply for the next request with this key."""
    session.execute(
        update(IdempotentReply)
        .where(IdempotentReply.actor == actor, IdempotentReply.key == key)
        .values(status=status, body=body)
    )


def release(session: Session, actor: str, key: str) -> None:
    """Forget the key: the request changed nothing and may be tried again."""
    session.execute(delete(IdempotentReply).where(IdempotentReply.actor == actor, IdempotentReply.key == key))


def forget_before(session: Session, moment: datetime) -> None:
    session.execute(delete(IdempotentReply).where(IdempotentReply.created_at < moment))

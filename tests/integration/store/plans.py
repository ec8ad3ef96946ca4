"""How a database would find what a question asks for."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event, text

from safelight.store.database import Database, Session


def plans(database: Database, ask: Callable[[Session], object]) -> list[str]:
    """The steps of the plans of all that `ask` selects."""
    asked: list[tuple[str, Any]] = []

    def keep(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    with database.transaction() as session:
        if not database.is_sqlite:
            session.execute(text("SET LOCAL enable_seqscan = off"))  # few rows are read faster without any index
        event.listen(database.engine, "before_cursor_execute", keep)
        ask(session)
        event.remove(database.engine, "before_cursor_execute", keep)
        explain = f"EXPLAIN {'QUERY PLAN ' * database.is_sqlite}"
        return [
            str(step)
            for statement, parameters in asked
            if statement.startswith(("SELECT", "WITH"))
            for step in session.connection().exec_driver_sql(f"{explain}{statement}", parameters)
        ]

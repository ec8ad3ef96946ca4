"""Links and sessions, and letting go of them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from safelight.access import Principal, Role
from safelight.errors import SafelightError
from safelight.store import access
from safelight.store.database import Database
from safelight.store.tables.access import LoginLink, LoginSession

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_what_has_expired_is_let_go_of_and_what_still_opens_something_is_not(database: Database) -> None:
    ann = Principal("ann", Role.OPERATOR)
    with database.transaction() as session:
        links = [access.create_login_link(session, "ann", Role.OPERATOR, NOON + timedelta(hours=h)) for h in (1, 3)]
        cookies = [access.create_session(session, ann, NOON, hours) for hours in (1, 3)]
    later = NOON + timedelta(hours=2)
    with database.transaction() as session:
        access.forget_logins(session, later)
    with database.transaction() as session:
        left = [session.scalar(select(func.count()).select_from(table)) for table in (LoginLink, LoginSession)]
        assert left == [1, 1]
        assert [access.use_login_link(session, each, later) for each in links] == [None, ann]
        assert [access.principal_of_session(session, each, later) for each in cookies] == [None, ann]


def test_neither_a_key_nor_a_person_is_taken_for_the_guard(database: Database) -> None:
    with database.transaction() as session:
        with pytest.raises(SafelightError, match="Choose another name"):
            access.create_key(session, "safelight", Role.OPERATOR, NOON)
        with pytest.raises(SafelightError, match="Choose another name"):
            access.create_login_link(session, "safelight", Role.OPERATOR, NOON)
        assert access.keys(session) == []

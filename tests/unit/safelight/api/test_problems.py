"""Every error is a problem document, and none tells more than it should."""

import logging

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError, StatementError

from registry.errors import Kind as RegistryKind
from safelight.api.problems import STATUS, install
from safelight.errors import Kind, SafelightError

SECRET = "postgresql://safelight:hunter2@db/safelight"


def _answer(error: Exception) -> TestClient:
    app = FastAPI()
    install(app)

    @app.get("/")
    def fail() -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_status(kind: Kind) -> None:
    answer = _answer(SafelightError(kind, "some_code", "Do something else.")).get("/")
    assert answer.status_code == STATUS[kind]
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["detail"]) == ("some_code", "Do something else.")


def test_every_kind_of_the_registry_has_a_status_too() -> None:
    assert all(kind in STATUS for kind in RegistryKind)


def test_a_busy_server_says_when_to_come_back() -> None:
    answer = _answer(SafelightError(Kind.BUSY, "too_many_requests", "Try again soon.", retry_after=3)).get("/")
    assert answer.headers["retry-after"] == "3"


def test_what_was_asked_may_be_quoted_whatever_it_is() -> None:
    answer = _answer(SafelightError(Kind.NOT_FOUND, "some_code", "There is no caf\u00e9 \ud800.")).get("/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no caf\u00e9 ?.")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError(SECRET), 500, "internal_error"),
        (OperationalError("SELECT 1", {}, Exception(SECRET)), 503, "database_unavailable"),
        (DataError("SELECT 1", {}, Exception(SECRET)), 422, "value_out_of_range"),
        (IntegrityError("SELECT 1", {}, Exception(SECRET)), 409, "changed_meanwhile"),
        (OverflowError(SECRET), 422, "value_out_of_range"),
        (StatementError("a bind", "SELECT 1", {}, OverflowError(SECRET)), 422, "value_out_of_range"),
        (StatementError("a bind", "SELECT 1", {}, ValueError(SECRET)), 500, "internal_error"),
        (ProgrammingError("SELECT 1", {}, Exception(SECRET)), 500, "internal_error"),
        (UnicodeEncodeError("utf-8", SECRET, 0, 1, "surrogates not allowed"), 422, "value_out_of_range"),
    ],
)
def test_what_went_wrong_inside_stays_inside(
    error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        answer = _answer(error).get("/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "hunter2" not in answer.text

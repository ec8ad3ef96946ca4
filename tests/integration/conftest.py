"""Real databases: each test gets one of its own, SQLite and PostgreSQL alike, copied from a migrated one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from safelight.store import migrate
from safelight.store.database import Database

_numbers = count(1)


class PostgresCluster:
    """A PostgreSQL server of the test session, reached through a Unix socket in its own folder."""

    def __init__(self, root: Path, binaries: Path, owner: str | None) -> None:
        self._data, self._sockets, self._binaries, self._owner = root / "data", root, binaries, owner

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://safelight@/{database}?host={self._sockets}"

    def create(self) -> None:
        self._run("initdb", "-D", str(self._data), "-U", "safelight", "--auth=trust", "--no-sync", "--encoding=UTF8")

    def start(self) -> None:
        unsafe_and_quick = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        modest = "-c shared_buffers=32MB -c max_connections=60"
        options = f"-c listen_addresses= -k {self._sockets} {unsafe_and_quick} {modest}"
        log = str(self._sockets / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """As a crash does; what was committed is there after the next start."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def execute(self, statement: str) -> None:
        """Runs what PostgreSQL refuses inside a transaction, such as CREATE DATABASE."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            user=self._owner,
            group=self._owner,
            extra_groups=[] if self._owner else None,
            cwd=self._sockets,
            stdout=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert versions, "the integration tests need PostgreSQL: apt-get install postgresql"
    # PostgreSQL refuses to run as root, so its files belong to the user Debian's package made.
    owner = "postgres" if os.geteuid() == 0 else None
    root = Path(tempfile.mkdtemp(prefix="safelight-postgres-"))  # short: a socket's path has about 100 characters
    if owner:
        os.chown(root, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    cluster = PostgresCluster(root, versions[-1], owner)
    try:
        cluster.create()
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "safelight.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_cluster: PostgresCluster) -> str:
    postgres_cluster.execute("CREATE DATABASE migrated")
    _migrate(postgres_cluster.url("migrated"))
    return "migrated"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database without rows; for child processes, which open it themselves."""
    yield from _copies(request, tmp_path, migrated=True)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a single table."""
    yield from _copies(request, tmp_path, migrated=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database without rows."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


def _copies(request: pytest.FixtureRequest, folder: Path, *, migrated: bool) -> Iterator[str]:
    if request.param == "sqlite":
        file = folder / "safelight.db"
        if migrated:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    template = request.getfixturevalue("migrated_postgres") if migrated else "template1"
    name = f"test_{next(_numbers)}"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield cluster.url(name)
    cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _migrate(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()

"""Real databases: each test gets one of its own, SQLite and PostgreSQL alike, as new as a migrated one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from safelight.store import migrate
from safelight.store.database import Database

_numbers = count(1)

_ALONE = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SCHEMA = " UNION ALL ".join(
    f"SELECT count(*), max(xmin::text::bigint) FROM pg_{each}"  # noqa: S608 - these:
    for each in ("attribute", "class", "constraint", "index", "proc", "trigger")
).encode()
"""What no change of the schema leaves alone: how many rows its catalogs have, and who wrote one last."""
_EMPTY = """
    SET session_replication_role = replica;  -- neither foreign keys nor the triggers of what only grows are asked
    DO $$ DECLARE each regclass; BEGIN
        FOR each IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND oid <> 'alembic_version'::regclass
        LOOP EXECUTE format('DELETE FROM %s', each); END LOOP;
    END $$;
    SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S';
"""
_MOST_GROWN = 8 * 1024 * 1024


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
        # Statistics of other tests' rows would have this one's found in another way.
        options = f"-c listen_addresses= -c autovacuum=off -k {self._sockets} {unsafe_and_quick} {modest}"
        log = str(self._sockets / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """As a crash does; what was committed is there after the next start."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def connect(self, database: str) -> psycopg.Connection:
        """Each statement is a transaction, and is there after a crash."""
        return psycopg.connect(
            host=str(self._sockets),
            user="safelight",
            dbname=database,
            options="-c synchronous_commit=on",
            autocommit=True,
        )

    def execute(self, statement: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(statement.encode())

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


class MigratedDatabases:
    """Databases without rows, each under a name of its own. One that was used is emptied: sooner done than a copy."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._empty: list[str] = []
        cluster.execute("CREATE DATABASE migrated")
        _migrate(cluster.url("migrated"))
        with cluster.connect("migrated") as connection:
            self._schema, self._bytes = _looked_at(connection)

    def take(self) -> str:
        name = f"test_{next(_numbers)}"
        if self._empty:  # whoever another test has left behind does not find it under a new name
            self._cluster.execute(f"ALTER DATABASE {self._empty.pop()} RENAME TO {name}")
        else:
            self._cluster.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
        return name

    def give_back(self, name: str) -> None:
        with self._cluster.connect(name) as connection:
            connection.execute(_ALONE)
            schema, size = _looked_at(connection)
            # What was deleted is still walked past, and makes a large one slow.
            reusable = schema == self._schema and size < self._bytes + _MOST_GROWN
            if reusable:
                connection.execute(_EMPTY)
        if reusable:
            self._empty.append(name)
        else:
            self._cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _looked_at(connection: psycopg.Connection) -> tuple[list[Any], int]:
    """The state of the schema, and the database's bytes."""
    size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert size is not None
    return connection.execute(_SCHEMA).fetchall(), size[0]


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
def migrated_postgres(postgres_cluster: PostgresCluster) -> MigratedDatabases:
    return MigratedDatabases(postgres_cluster)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database without rows; for child processes, which open it themselves."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "safelight.db")
        yield f"sqlite:///{tmp_path / 'safelight.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    databases: MigratedDatabases = request.getfixturevalue("migrated_postgres")
    name = databases.take()
    yield cluster.url(name)
    databases.give_back(name)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a single table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'safelight.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    name = f"test_{next(_numbers)}"
    cluster.execute(f"CREATE DATABASE {name}")
    yield cluster.url(name)
    cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database without rows."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


def _migrate(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()

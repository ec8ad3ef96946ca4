"""The services that a storm takes away and brings back: a PostgreSQL server and an S3 store of its own."""

import logging
import os
import pwd
import subprocess
from pathlib import Path
from typing import Protocol

import fsspec
from moto.server import ThreadedMotoServer
from sqlalchemy import create_engine, text

_BUCKET = "images"
_KEY = _SECRET = "storm"  # noqa: S105 - of a server on loopback that keeps nothing


class Service(Protocol):
    """Goes away and comes back with what it held."""

    name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Postgres:
    """A server with its data in a folder, durable as by default. It is stopped as a crash stops it."""

    name = "database"

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        if not found:
            raise FileNotFoundError("this benchmark needs PostgreSQL: apt-get install postgresql")
        self._binaries, self._folder = found[-1], folder
        # PostgreSQL refuses to run as root; its files belong to the user that Debian's package made.
        self._owner = "postgres" if os.geteuid() == 0 else None
        folder.mkdir()
        if self._owner:
            os.chown(folder, pwd.getpwnam(self._owner).pw_uid, pwd.getpwnam(self._owner).pw_gid)
        self._run("initdb", "-D", str(folder / "data"), "-U", "safelight", "--auth=trust", "--encoding=UTF8")
        self.start()
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE safelight"))
        engine.dispose()

    def url(self, database: str = "safelight") -> str:
        return f"postgresql+psycopg://safelight@/{database}?host={self._folder}"

    def start(self) -> None:
        options = f"-c listen_addresses= -k {self._folder} -c shared_buffers=64MB"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            user=self._owner,
            group=self._owner,
            extra_groups=[] if self._owner else None,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )


class ObjectStore:
    """S3 over HTTP, in memory. It keeps its address, and what it holds, while it is away."""

    name = "image store"

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print every request
        self._server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._server.start()
        self._port = self._server.get_host_and_port()[1]
        self._files().mkdir(_BUCKET)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a process that keeps its images here."""
        return {
            "SAFELIGHT_IMAGES__URL": f"s3://{_BUCKET}",
            "SAFELIGHT_IMAGES__S3_ENDPOINT": f"http://127.0.0.1:{self._port}",
            "SAFELIGHT_IMAGES__S3_KEY": _KEY,
            "SAFELIGHT_IMAGES__S3_SECRET": _SECRET,
        }

    def start(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", port=self._port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _files(self) -> fsspec.AbstractFileSystem:
        return fsspec.filesystem("s3", endpoint_url=f"http://127.0.0.1:{self._port}", key=_KEY, secret=_SECRET)

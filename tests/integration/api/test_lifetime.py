import asyncio
import gc
from pathlib import Path

import pytest

from safelight.settings import Settings
from safelight.store.database import StoreError
from safelight.wiring.api import api_lifetime


def test_an_api_process_that_cannot_start_lets_go_of_what_it_opened(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)  # a database without tables

    async def start() -> None:
        async with api_lifetime(settings, asyncio.Event()):
            raise AssertionError("it started")

    with pytest.raises(StoreError):
        asyncio.run(start())
    gc.collect()  # what was left open is a warning now, and a failure

"""A fault of the environment: a library that comes to work wrongly, for whatever version is loaded.

Python imports this first thing in every process whose PYTHONPATH names its folder. While the file that BROKEN_WHILE
names is there, diffusers' sampler takes columns for rows, as a bad kernel would: in engines that run already, in those
that are loaded afresh, and in nothing else.
"""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

MODULE = "diffusers.schedulers.scheduling_ddim"
BROKEN_WHILE = Path(os.environ["BROKEN_WHILE"])


class Finder(MetaPathFinder):
    """Has the module break as soon as it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        loader = spec.loader if spec else None
        if loader is None:
            return spec
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            spoil(module.DDIMScheduler)

        loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
        return spec


def spoil(scheduler: Any) -> None:
    step = scheduler.step

    def spoilt_step(self: Any, model_output: Any, *arguments: Any, **named: Any) -> Any:
        seen = model_output.transpose(-1, -2) if BROKEN_WHILE.exists() else model_output
        return step(self, seen, *arguments, **named)

    scheduler.step = spoilt_step


sys.meta_path.insert(0, Finder())

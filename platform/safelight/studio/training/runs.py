"""A training run: a wall-clock budget with a cosine learning rate, and a state from which it can go on."""

from __future__ import annotations

import argparse
import math
import time
from collections import deque
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_WARM_UP_STEPS = 100
_SAVE_EVERY_S = 120.0
_REPORT_EVERY_S = 60.0


def arguments(description: str, minutes: float) -> argparse.ArgumentParser:
    """The options that every training script shares."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--workspace", type=Path, default=Path(".studio"), help="folder for sprites, states, results")
    parser.add_argument("--minutes", type=float, default=minutes, help="wall-clock budget, all resumptions together")
    parser.add_argument("--seed", type=int, default=0)
    return parser


class Run:
    """Counts the budget of one run and keeps its state in ``folder``: started again, it goes on from there."""

    def __init__(self, folder: Path, minutes: float, state: dict[str, Any]) -> None:
        """``state`` names the modules and optimizers to keep; those of an earlier start are loaded into them."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "state.pt"
        self._budget_s = minutes * 60
        self._state = state
        self.step = 0
        earlier_s = 0.0
        if self._path.exists():
            saved = torch.load(self._path, weights_only=True)
            self.step, earlier_s = saved["step"], saved["seconds"]
            for name, part in state.items():
                part.load_state_dict(saved["parts"][name])
        self._started = time.monotonic() - earlier_s
        self._saved_at = self._reported_at = time.monotonic()
        self._losses: deque[float] = deque(maxlen=200)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def fraction(self) -> float:
        """How much of the budget is used, from 0 to 1."""
        return min(1.0, self.seconds / self._budget_s)

    def set_learning_rate(self, optimizer: torch.optim.Optimizer, peak: float) -> None:
        rate = peak * min(1.0, (self.step + 1) / _WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * self.fraction))
        for group in optimizer.param_groups:
            group["lr"] = rate

    def stepped(self, loss: float, images: int) -> None:
        """Counts one optimizer step over ``images`` images; reports and saves when due."""
        self.step += 1
        self._losses.append(loss)
        now = time.monotonic()
        if now - self._reported_at > _REPORT_EVERY_S:
            self._reported_at = now
            mean = sum(self._losses) / len(self._losses)
            print(f"{self.seconds / 60:6.1f} min  {self.step * images:8d} images  loss {mean:.4f}", flush=True)
        if now - self._saved_at > _SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        self._saved_at = time.monotonic()
        parts = {name: part.state_dict() for name, part in self._state.items()}
        partial = self._path.with_suffix(".partial")
        torch.save({"step": self.step, "seconds": self.seconds, "parts": parts}, partial)
        partial.replace(self._path)


class Average(nn.Module):
    """An exponential moving average of modules' parameters: smoother, and better, than the last step's."""

    def __init__(self, modules: list[nn.Module], decay: float = 0.998) -> None:
        super().__init__()
        self._live = [parameter for module in modules for parameter in module.parameters()]
        self._decay = decay
        self.values = nn.ParameterList(nn.Parameter(live.detach().clone(), False) for live in self._live)

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values), [live.detach() for live in self._live], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the average with the live parameters; a second call undoes it."""
        for live, average in zip(self._live, self.values, strict=True):
            kept: Tensor = live.detach().clone()
            live.copy_(average)
            average.copy_(kept)

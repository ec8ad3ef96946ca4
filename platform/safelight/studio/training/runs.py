"""A training run: its options, a wall-clock budget with a cosine learning rate, a state from which it can go on."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_WARM_UP_STEPS = 250
_SAVE_EVERY_S = 120.0
_REPORT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Scale:
    """What a script does by default on one type of device; ``rate`` is the peak learning rate."""

    minutes: float
    batch: int
    rate: float


def arguments(description: str, scales: Mapping[str, Scale]) -> argparse.ArgumentParser:
    """The options that the training scripts share; ``scales`` has a default scale for "cpu" and for "cuda"."""
    chosen = argparse.ArgumentParser(add_help=False)
    chosen.add_argument(
        "--device", type=torch.device, default=torch.device("cuda" if torch.cuda.is_available() else "cpu")
    )
    kind = chosen.parse_known_args()[0].device.type
    # A CPU's cores are busy with training; a GPU wants more scenes than one process renders, for two runs at a time.
    workers = 0 if kind == "cpu" else max(1, (os.cpu_count() or 1) // 2 - 1)

    parser = argparse.ArgumentParser(description=description, parents=[chosen])
    parser.add_argument("--workspace", type=Path, default=Path(".studio"), help="folder for sprites, states, results")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=workers, help="processes that render (0: the training one)")
    parser.add_argument(
        "--minutes", type=float, default=scales[kind].minutes, help="wall-clock budget, all resumptions together"
    )
    parser.add_argument("--batch", type=int, default=scales[kind].batch)
    parser.add_argument("--rate", type=float, default=scales[kind].rate, help="peak learning rate")
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
            saved = torch.load(self._path, map_location="cpu", weights_only=True)
            self.step, earlier_s = saved["step"], saved["seconds"]
            for name, part in state.items():
                part.load_state_dict(saved["parts"][name])
        self._started = time.monotonic() - earlier_s
        self._saved_at = self._reported_at = time.monotonic()
        self._losses: deque[Tensor] = deque(maxlen=200)

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

    def stepped(self, loss: Tensor, images: int) -> None:
        """Counts one optimizer step over ``images`` images; reports and saves when due.

        ``loss`` is a scalar, read only when it is reported: reading it makes the host wait for the device. Raises
        FloatingPointError, and saves nothing, once the loss is not finite.
        """
        self.step += 1
        self._losses.append(loss.detach())
        now = time.monotonic()
        if now - self._reported_at > _REPORT_EVERY_S:
            self._reported_at = now
            mean = torch.stack(list(self._losses)).mean().item()
            print(f"{self.seconds / 60:6.1f} min  {self.step * images:8d} images  loss {mean:.4f}", flush=True)
            if not math.isfinite(mean):
                raise FloatingPointError("the training diverged; start it again with a lower --rate")
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

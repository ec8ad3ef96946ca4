from pathlib import Path

import pytest
import torch
from torch import nn

from safelight.studio.training.runs import Average, Run, Scale, arguments

SCALES = {"cpu": Scale(minutes=60, batch=8, rate=1e-3), "cuda": Scale(minutes=5, batch=512, rate=2e-3)}


def test_run_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    run = Run(tmp_path, minutes=10, state={"layer": layer})
    for _ in range(3):
        run.stepped(torch.tensor(1.0), images=8)
    run.save()
    resumed_layer = nn.Linear(2, 2)
    resumed = Run(tmp_path, minutes=10, state={"layer": resumed_layer})
    assert resumed.step == 3
    assert resumed.seconds >= run.seconds - 1
    torch.testing.assert_close(resumed_layer.weight, layer.weight)


def test_learning_rate_warms_up_and_falls_with_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    run = Run(tmp_path, minutes=1, state={})
    rates = []
    for now in (0.0, 15.0, 30.0, 60.0, 90.0):
        run.step = 0 if now == 0 else 1000
        run.set_learning_rate(optimizer, peak=1.0)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.004, 0.854, 0.5, 0, 0], abs=1e-3)
    assert run.fraction == 1


def test_average_follows_slowly_and_swaps_back() -> None:
    layer = nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    average = Average([layer], decay=0.9)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    average.update(step=10_000)
    average.swap()
    assert layer.weight.item() == pytest.approx(0.1)
    average.swap()
    assert layer.weight.item() == 1.0


def test_defaults_are_those_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train", "--device", "cuda", "--batch", "64"])
    options = arguments("Train.", SCALES).parse_args()
    assert (options.device.type, options.minutes, options.batch, options.rate) == ("cuda", 5, 64, 2e-3)
    assert options.workers > 0
    monkeypatch.setattr("sys.argv", ["train", "--device", "cpu"])
    options = arguments("Train.", SCALES).parse_args()
    assert (options.minutes, options.batch, options.workers) == (60, 8, 0)


def test_a_run_that_diverged_stops_and_keeps_its_last_sound_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    run = Run(tmp_path, minutes=10, state={})
    run.stepped(torch.tensor(1.0), images=8)
    run.save()
    now = 300.0
    with pytest.raises(FloatingPointError, match="diverged"):
        run.stepped(torch.tensor(float("nan")), images=8)
    assert Run(tmp_path, minutes=10, state={}).step == 1

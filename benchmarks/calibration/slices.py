"""What many slices cost: Bonferroni and e-BH side by side, `python -m benchmarks.calibration.slices`."""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.calibration.simulate import level

Array = NDArray[np.float64]
_SHIFTS = (4.0, 5.0, 6.0, 7.0, 8.0)  # standard errors of one slice's mean
_CALIBRATORS = (0.05, 0.1, 0.25, 0.5)


def bonferroni(p_values: Array, alpha: float) -> NDArray[np.bool_]:
    """Which ticks alarm [ticks], of p-values [ticks, slices]."""
    return np.asarray((p_values <= alpha / p_values.shape[1]).any(axis=1))


def e_bh(p_values: Array, alpha: float, kappa: float) -> NDArray[np.bool_]:
    """The same by e-BH (Wang & Ramdas 2022), with the calibrator e = kappa p^(kappa - 1) (Vovk & Wang 2021)."""
    slices = p_values.shape[1]
    largest_first = -np.sort(-kappa * p_values ** (kappa - 1.0), axis=1)
    return np.asarray((largest_first >= slices / (alpha * np.arange(1, slices + 1))).any(axis=1))


def found(slices: int, failing: int, shift: float, ticks: int, rng: np.random.Generator) -> tuple[float, float]:
    """The share of ticks that alarm by either, where so many slices have shifted; e-BH with its best calibrator."""
    scores = rng.standard_normal((ticks, slices))
    scores[:, :failing] += shift
    p_values = stats.norm.sf(scores)
    by_e_values = max(float(e_bh(p_values, level(), kappa).mean()) for kappa in _CALIBRATORS)
    return float(bonferroni(p_values, level()).mean()), by_e_values


def table(ticks: int, seed: int) -> str:
    rng = np.random.default_rng(seed)
    lines = [
        f"Share of {ticks} ticks that alarm at level {level():.2g}: Bonferroni / e-BH with its best calibrator.",
        "",
        "| slices | failing | " + " | ".join(f"{shift:g} s.e." for shift in _SHIFTS) + " |",
        "|---" * (2 + len(_SHIFTS)) + "|",
    ]
    for slices, failing in ((10, 1), (10, 5), (100, 1), (100, 10), (100, 50), (1000, 1), (1000, 100)):
        shares = [found(slices, failing, shift, ticks, rng) for shift in _SHIFTS]
        cells = " | ".join(f"{plain:.2f} / {by_e:.2f}" for plain, by_e in shares)
        lines.append(f"| {slices} | {failing} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(table(options.ticks, options.seed))


if __name__ == "__main__":
    main()

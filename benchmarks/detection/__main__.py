"""The detector beside its peers: `python -m benchmarks.detection [power] [cost] [studio] [--quick]`.

Without a choice all three studies are made. Each is kept in benchmarks/results/detection.json as it ends, and all that
are there are written to detection.md beside it.
"""

from __future__ import annotations

import argparse

from benchmarks.detection import cost, power, results, studio
from benchmarks.detection.comparison import power_tables
from benchmarks.detection.machine import described
from benchmarks.detection.table import Table
from benchmarks.detection.weeks import week_table
from benchmarks.fold import fold_table

_STUDIES = ("power", "cost", "studio")


def tables(study: str, stage: power.Stage | None, options: argparse.Namespace) -> list[Table]:
    match study, stage:
        case "power", power.Stage():
            week = [week_table(stage, options.weeks)] if options.weeks else []
            return power_tables(power.run(stage)) + week
        case "cost", power.Stage():
            live, sizes = stage.history.sample, cost.SIZES[:2] if options.quick else cost.SIZES
            return [*cost.cost_tables(stage.lens, live, stage.streaming, sizes), fold_table(stage.lens, live)]
        case _:
            return [studio.studio_table(studio.QUICK if options.quick else studio.Plan())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="study", help=f"{', '.join(_STUDIES)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a rehearsal: little data, nothing is written")
    parser.add_argument("--weeks", type=int, default=0, help="of each harmless change, watched besides")
    options = parser.parse_args()
    if unknown := set(options.studies) - set(_STUDIES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(_STUDIES)}")
    asked = options.studies or _STUDIES
    stage = power.Stage(power.QUICK if options.quick else power.Plan()) if {"power", "cost"} & set(asked) else None
    for study in asked:
        found = tables(study, stage, options)
        print("\n".join(each.text() for each in found))
        if not options.quick:
            results.keep(study, found, described())
    print(described())


if __name__ == "__main__":
    main()

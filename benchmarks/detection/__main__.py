"""The detector beside its peers: `python -m benchmarks.detection [power] [weeks] [cost] [studio] [--quick]`.

Without a choice all studies are made. Each is kept in benchmarks/results/detection.json as it ends, and all that are
there are written to detection.md beside it. Only `cost` is timed, and wants the machine to itself.
"""

from __future__ import annotations

import argparse

from benchmarks.detection import cost, power, results, studio
from benchmarks.detection.comparison import answers_in, power_tables
from benchmarks.detection.machine import described
from benchmarks.detection.table import Table
from benchmarks.detection.weeks import week_table
from benchmarks.fold import fold_table

_STUDIES = ("power", "weeks", "cost", "studio")
_PEERS = "The peers were asked about the same streams in an earlier run: "


def tables(study: str, stage: power.Stage, options: argparse.Namespace) -> list[Table]:
    match study:
        case "power":
            earlier = results.kept("power") if options.only_lens else None
            return _power(stage, earlier)
        case "weeks":
            return [week_table(stage, [] if options.only_lens else stage.streaming)]
        case "cost":
            live, sizes = stage.history.sample, cost.SIZES[:2] if options.quick else cost.SIZES
            peers = power.streaming_peers(stage.baseline)  # whatever their thresholds are
            return [*cost.cost_tables(stage.lens, live, peers, sizes), fold_table(stage.lens, live)]
        case _:
            return [studio.studio_table(studio.QUICK if options.quick else studio.Plan())]


def _power(stage: power.Stage, earlier: results.Study | None) -> list[Table]:
    """With the peers' answers of an earlier run, where there is one to take them from."""
    lens = {power.LENS: power.lens_answers(stage)}
    if earlier is None:
        return power_tables(lens | power.peers_answers(stage))
    peers = answers_in(earlier["tables"][0]["values"])
    said = [note for note in earlier["tables"][0]["notes"] if note.startswith(_PEERS)]
    return power_tables(peers | lens, said or [_PEERS + earlier["machine"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="study", help=f"{', '.join(_STUDIES)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a rehearsal: little data, nothing is written")
    parser.add_argument(
        "--only-lens", action="store_true", help="power and weeks: with the peers' earlier answers to the same streams"
    )
    options = parser.parse_args()
    if unknown := set(options.studies) - set(_STUDIES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(_STUDIES)}")
    if options.only_lens and (options.quick or results.kept("power") is None):
        parser.error("--only-lens needs the streams and the peers' answers of a full run")
    asked = options.studies or _STUDIES
    stage = power.Stage(power.QUICK if options.quick else power.Plan())
    for study in asked:
        found = tables(study, stage, options)
        print("\n".join(each.text() for each in found))
        if not options.quick:
            results.keep(study, found, described())
    print(described())


if __name__ == "__main__":
    main()

"""What a replay asks of a candidate: what people asked for, and nothing that another version added by itself."""

from typing import Any

import pytest

from registry.parameters import Defaults
from safelight.store.replays import LoggedRequest
from safelight.watching.ordering import as_asked, of_probes

DEFAULTS = Defaults(steps=8, guidance=3.0, width=64, height=64)
USUAL = {"steps": 8, "guidance": 3.0, "width": 64, "height": 64, "negative_prompt": ""}


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        (USUAL, {"negative_prompt": ""}),
        (USUAL | {"steps": 4}, {"negative_prompt": "", "steps": 4}),
        (USUAL | {"width": 32, "guidance": 1.5}, {"negative_prompt": "", "width": 32, "guidance": 1.5}),
        ({"scheduler": "Euler", "steps": None}, {}),
    ],
)
def test_only_departures_from_the_defaults_are_asked_for(parameters: dict[str, Any], asked: dict[str, Any]) -> None:
    logged = LoggedRequest(1, "a cat", 7, parameters)
    assert as_asked(logged, DEFAULTS, seed=0) == {"prompt": "a cat", "seed": 7, **asked}


def test_without_defaults_to_compare_with_everything_was_asked_for() -> None:
    assert as_asked(LoggedRequest(1, "a cat", None, {"steps": 8}), None, seed=3) == {
        "prompt": "a cat",
        "seed": 3,
        "steps": 8,
    }


def test_probes_come_round_with_another_seed_each_time() -> None:
    probes = [{"prompt": "a", "seed": 1, "variant": None}, {"prompt": "b", "seed": 5, "steps": 4}]
    assert of_probes(probes, 5) == [
        {"prompt": "a", "seed": 1},
        {"prompt": "b", "seed": 5, "steps": 4},
        {"prompt": "a", "seed": 2},
        {"prompt": "b", "seed": 6, "steps": 4},
        {"prompt": "a", "seed": 3},
    ]

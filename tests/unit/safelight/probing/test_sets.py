"""Probe sets: what may stand in one, and how a mistake is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.errors import SafelightError
from safelight.probing.keeping import decoded
from safelight.probing.sets import FEWEST, MOST, Probe, Variant, check, drawn, read, read_csv, read_lines, synthetic
from safelight.store.generations import StoredGeneration
from safelight.studio import probes as studio

PLAIN: list[dict[str, Any]] = [{"prompt": f"thing {i}", "seed": i} for i in range(FEWEST)]


def refusal(documents: list[dict[str, Any]]) -> str:
    with pytest.raises(SafelightError) as caught:
        read(documents)
    assert caught.value.code == "probe_set_invalid"
    return caught.value.message


def test_the_set_that_ships_is_what_its_command_prints() -> None:
    assert synthetic() == read(studio.documents())


def test_the_set_that_ships_can_confirm_an_alarm_and_measure_brittleness() -> None:
    shipped = synthetic()
    assert sum(probe.variant is None for probe in shipped) == 128
    assert {variant: sum(probe.variant is variant for probe in shipped) for variant in Variant} == {
        Variant.PARAPHRASE: 24,
        Variant.TYPO: 24,
    }
    for probe in shipped:
        if probe.of is not None:
            assert probe.seed == shipped[probe.of].seed
            assert probe.prompt != shipped[probe.of].prompt


def test_a_seed_that_is_left_out_is_the_place() -> None:
    assert [probe.seed for probe in read([{"prompt": each["prompt"]} for each in PLAIN])] == list(range(FEWEST))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prompt": ""}, "prompt"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**53}, "seed"),
        ({"sed": 1}, "sed"),
        ({"guidance": float("nan")}, "guidance"),
        ({"variant": "typo"}, "go together"),
        ({"of": 0}, "go together"),
        ({"variant": "typo", "of": 99}, "not the place"),
        ({"variant": "rhyme", "of": 0}, "variant"),
    ],
)
def test_a_mistake_is_told_with_the_number_of_its_probe(wrong: dict[str, Any], said: str) -> None:
    message = refusal([*PLAIN, {"prompt": "another", **wrong}])
    assert message.startswith(f"probe {FEWEST + 1}:")
    assert said in message


def test_too_few_and_too_many_probes_are_refused() -> None:
    assert "too few" in refusal(PLAIN[1:])
    assert "at most" in refusal([{"prompt": "x"}] * (MOST + 1))


def test_csv_and_json_lines_say_the_same() -> None:
    lines = "\n".join(json.dumps(each | {"guidance": 3.5}) for each in PLAIN)
    table = "prompt,seed,guidance,steps\n" + "\n".join(f'"{each["prompt"]}",{each["seed"]},3.5,' for each in PLAIN)
    assert read_csv(table) == read_lines(lines + "\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("words\nx", "'prompt' is not among them"),
        ("", "'prompt' is not among them"),
        ('prompt\n"open', "line"),
        ("prompt,seed\nx,three", "probe 1: seed"),
        ("prompt\nx,y", "probe 1"),
        ('prompt"\nx', "'prompt' is not among them"),
        ('"prompt"x\ny', "line 1"),
    ],
)
def test_a_csv_file_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(SafelightError, match=said):
        read_csv(text)


def test_a_line_of_json_ends_where_a_line_of_the_file_does() -> None:
    lines = "\r\n".join(json.dumps(each, ensure_ascii=False) for each in [{"prompt": "one\u2028two"}, *PLAIN])
    assert read_lines(lines)[0].prompt == "one\u2028two"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not one JSON object"),
        ("[1]", "not a JSON object"),
        (f'{{"prompt": "x", "seed": {"9" * 5_000}}}', "not one JSON object"),
        ("[" * 100_000, "not one JSON object"),
    ],
)
def test_json_lines_are_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(SafelightError, match=said):
        read_lines(text)


def test_a_file_that_is_no_text_is_refused() -> None:
    assert decoded(b"\xef\xbb\xbfprompt") == "prompt"
    with pytest.raises(SafelightError, match="UTF-8"):
        decoded(b"\xff\xfe")


def test_a_set_is_held_to_the_limits_of_the_version_that_serves() -> None:
    manifest = Manifest(
        checkpoint="sha256:" + "0" * 64,
        dtype="float32",
        defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
        limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=50),
        golden=(Golden(prompt="a red ball", seed=1),),
    )
    check(read(PLAIN), manifest)
    with pytest.raises(SafelightError, match="probe 2: steps"):
        check([Probe(prompt="a", seed=1), Probe(prompt="b", seed=1, steps=51)], manifest)


def test_production_prompts_are_drawn_once_each_with_their_seeds() -> None:
    made = [generation(i, prompt=f"thing {i % 20}") for i in range(40)]
    found = drawn([replace(made[0], prompt="unseeded", seed=None), *made], 18)
    assert [probe.prompt for probe in found] == [f"thing {i}" for i in range(18)]
    assert (found[3].seed, found[3].steps, found[3].negative_prompt) == (3, 8, None)


def generation(number: int, prompt: str) -> StoredGeneration:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    known: dict[str, Any] = dict.fromkeys(StoredGeneration.__dataclass_fields__)
    return StoredGeneration(
        **known
        | {
            "id": UUID(int=number),
            "created_at": moment,
            "prompt": prompt,
            "seed": number,
            "parameters": {"steps": 8, "negative_prompt": ""},
        }
    )

"""A request is completed by the defaults and held to the limits."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from registry.errors import Kind
from registry.parameters import MAX_SEED, Defaults, Limits, ParameterError, Requested, Size, resolve

DEFAULTS = Defaults(steps=10, guidance=3, width=64, height=128, n=2)
LIMITS = Limits(
    min_side=64,
    max_side=512,
    side_multiple=8,
    max_steps=50,
    min_guidance=1,
    max_guidance=20,
    max_prompt_length=100,
    max_n=4,
)


def refused(limits: Limits = LIMITS, /, **asked: Any) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        resolve(replace(Requested(prompt="a cat"), **asked), DEFAULTS, limits, fallback_seed=7)
    assert caught.value.code == "parameter_invalid"
    assert caught.value.kind is Kind.INVALID
    assert caught.value.allowed in caught.value.message
    return caught.value


def test_the_defaults_fill_what_is_left_out() -> None:
    found = resolve(Requested(prompt="a cat"), DEFAULTS, LIMITS, fallback_seed=7)
    assert (found.width, found.height, found.steps, found.guidance, found.n) == (64, 128, 10, 3.0, 2)
    assert (found.prompt, found.negative_prompt, found.seed) == ("a cat", "", 7)


def test_what_is_asked_for_wins() -> None:
    asked = Requested(prompt="a cat", negative_prompt="a dog", width=512, height=72, steps=1, guidance=20, n=4, seed=0)
    found = resolve(asked, DEFAULTS, LIMITS, fallback_seed=7)
    assert vars(found) == vars(asked)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 0.99, 20.01, True, "3", pytest.param(10**400, id="huge")]
)
def test_guidance(value: Any) -> None:
    error = refused(guidance=value)
    assert error.field == "guidance"
    assert error.allowed == "a number from 1 to 20"


@pytest.mark.parametrize("field", ["width", "height"])
@pytest.mark.parametrize("value", [0, -64, 56, 63, 65, 520, 64.0, True, "64", 10**30])
def test_sides(field: str, value: Any) -> None:
    asked: dict[str, Any] = {field: value}
    error = refused(**asked)
    assert error.field == field
    assert error.allowed == "a multiple of 8 from 64 to 512 pixels"


def test_listed_sizes_are_the_only_ones() -> None:
    limits = Limits(
        **LIMITS.model_dump(exclude={"sizes"}), sizes=(Size(width=64, height=128), Size(width=512, height=512))
    )
    assert resolve(Requested(prompt="a cat"), DEFAULTS, limits, fallback_seed=7).height == 128
    error = refused(limits, width=128, height=64)
    assert (error.field, error.allowed) == ("size", "one of 64x128, 512x512")


@pytest.mark.parametrize("value", [0, -1, 51, 2.0, True, 10**30])
def test_steps(value: Any) -> None:
    assert refused(steps=value).field == "steps"


@pytest.mark.parametrize("value", [0, -1, 5, False])
def test_n(value: Any) -> None:
    assert refused(n=value).field == "n"


@pytest.mark.parametrize("value", [-1, MAX_SEED + 1, 1.0, 2**64])
def test_seed(value: Any) -> None:
    assert refused(seed=value).field == "seed"


def test_the_seed_of_the_last_image_is_a_seed_too() -> None:
    assert resolve(Requested(prompt="x", n=1, seed=MAX_SEED), DEFAULTS, LIMITS, fallback_seed=7).seed == MAX_SEED
    assert refused(n=2, seed=MAX_SEED).field == "seed"


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
@pytest.mark.parametrize("text", ["x" * 101, "x" * 10_000, "a\x00b", "\ud800", "a \udfff"])
def test_text(field: str, text: str) -> None:
    asked: dict[str, Any] = {field: text}
    assert refused(**asked).field == field


def test_an_empty_prompt() -> None:
    assert refused(prompt="").allowed == "1 to 100 characters long"


def test_a_message_never_repeats_a_long_value() -> None:
    assert len(refused(steps=10**4000).message) < 200
    assert len(refused(prompt="x" * 10_000).message) < 200


@given(
    st.builds(
        Requested,
        prompt=st.text(max_size=120),
        width=st.none() | st.integers(),
        height=st.none() | st.integers(0, 600),
        steps=st.none() | st.integers(-5, 60),
        guidance=st.none() | st.floats(),
        n=st.none() | st.integers(-2, 6),
        seed=st.none() | st.integers(),
    )
)
def test_whatever_is_asked_is_refused_or_within_the_limits(asked: Requested) -> None:
    try:
        found = resolve(asked, DEFAULTS, LIMITS, fallback_seed=7)
    except ParameterError:
        return
    assert 1 <= len(found.prompt) <= 100
    assert all(64 <= side <= 512 and side % 8 == 0 for side in (found.width, found.height))
    assert 1 <= found.steps <= 50
    assert 1 <= found.guidance <= 20
    assert 1 <= found.n <= 4
    assert 0 <= found.seed <= found.seed + found.n - 1 <= MAX_SEED


@pytest.mark.parametrize(
    "changes",
    [
        {"min_side": 520},
        {"min_side": 65, "max_side": 71},
        {"min_guidance": 21},
        {"max_guidance": math.nan},
        {"max_guidance": math.inf},
        {"max_steps": 0},
        {"max_steps": True},
        {"max_steps": "50"},
        {"sizes": [{"width": 65, "height": 64}]},
        {"sizes": [{"width": 64, "height": 1024}]},
        {"max_prompts": 3},
    ],
)
def test_limits_that_nothing_can_meet(changes: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ParameterError)):
        Limits.model_validate(LIMITS.model_dump() | changes)

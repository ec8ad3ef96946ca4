from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.sample import ALIGNMENT, PARAMETERS, Direction, Sample, Scalar, Schema, encode_parameters, prompt_key

SCHEMA = Schema(("guidance",), (Scalar(ALIGNMENT, Direction.LOW),))


def arrays(n: int = 3) -> dict[str, Any]:
    return {
        "prompts": np.ones((n, 4)),
        "images": np.ones((n, 5)),
        "parameters": np.ones((n, 1)),
        "scalars": np.ones((n, 1)),
        "prompt_keys": np.arange(n),
    }


def test_a_sample_holds_single_precision_and_keys() -> None:
    sample = Sample(SCHEMA, **arrays())
    assert sample.prompts.dtype == np.float32
    assert sample.prompt_keys.dtype == np.uint64
    assert len(Sample.concatenate([sample, sample.take(slice(0, 2))])) == 5


@pytest.mark.parametrize("name", ["prompts", "images", "parameters", "scalars"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(name: str, value: float) -> None:
    wrong = arrays()
    wrong[name][1, 0] = value
    with pytest.raises(ValueError, match=f"{name} holds values that are not finite"):
        Sample(SCHEMA, **wrong)


@pytest.mark.parametrize(
    ("name", "shape"), [("prompts", (2, 4)), ("images", (3,)), ("parameters", (3, 2)), ("scalars", (3, 0))]
)
def test_arrays_of_another_shape_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"{name} has shape"):
        Sample(SCHEMA, **{**arrays(), name: np.ones(shape)})


def test_samples_of_different_columns_do_not_mix() -> None:
    other = Schema(("steps",), SCHEMA.scalars)
    with pytest.raises(ValueError, match="one schema"):
        Sample.concatenate([Sample(SCHEMA, **arrays()), Sample(other, **arrays())])


def test_parameters_are_encoded_in_the_order_of_their_names() -> None:
    encoded = dict(zip(PARAMETERS, encode_parameters(steps=8, guidance=3.0, width=128, height=64), strict=True))
    assert encoded == pytest.approx(
        {"log_steps": np.log(8), "guidance": 3.0, "log_pixels": np.log(8192), "log_aspect": np.log(2)}
    )


def test_prompt_keys_tell_prompts_apart_and_stay_the_same() -> None:
    assert prompt_key("a cat") == 0x67F5DFB40B23DDA2
    assert prompt_key("a cat") != prompt_key("a cat ")
    assert 0 <= prompt_key("\ud800 broken \U0001f600") < 2**64

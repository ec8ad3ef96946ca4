"""Variants: a version made cheaper, and what that costs in quality."""

import getpass
from enum import StrEnum
from typing import Annotated

import typer

from registry.variants import parse_changes
from safelight import wiring
from safelight.settings import Settings

group = typer.Typer(help="A version's checkpoint, loaded or run otherwise to cost less.", no_args_is_help=True)

Generator = Annotated[str, typer.Argument(help="The generator's name")]


class Precision(StrEnum):
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class Scheme(StrEnum):
    INT8_WEIGHT_ONLY = "int8_weight_only"
    INT8_DYNAMIC = "int8_dynamic"
    FLOAT8_WEIGHT_ONLY = "float8_weight_only"


class Extent(StrEnum):
    BLOCKS = "blocks"
    WHOLE = "whole"


class Offload(StrEnum):
    MODEL = "model"
    SEQUENTIAL = "sequential"


@group.command("register")
def register(
    generator: Generator,
    parent: Annotated[int, typer.Argument(help="The number of the version to be made cheaper")],
    dtype: Annotated[Precision | None, typer.Option(help="The precision it runs in")] = None,
    quantisation: Annotated[Scheme | None, typer.Option(help="Fewer bits for the denoiser's weights")] = None,
    compile_: Annotated[Extent | None, typer.Option("--compile", help="Compile the denoiser")] = None,
    offload: Annotated[Offload | None, typer.Option(help="Keep on the GPU only what computes")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A scheduler's class in diffusers")] = None,
    steps: Annotated[int | None, typer.Option(help="The new default")] = None,
    guidance: Annotated[float | None, typer.Option(help="The new default")] = None,
    description: Annotated[str, typer.Option(help="A few words about the variant")] = "",
) -> None:
    """Register a variant of a version: the same checkpoint, kept once, under the next number."""
    changes = parse_changes(
        {
            "dtype": dtype,
            "quantisation": {"scheme": quantisation} if quantisation else None,
            "compile": compile_,
            "offload": offload,
            "scheduler": {"class_name": scheduler} if scheduler else None,
            "steps": steps,
            "guidance": guidance,
            "description": description,
        }
    )
    known = wiring.registration(Settings()).register_variant(generator, parent, changes, f"cli:{getpass.getuser()}")
    typer.echo(f"{known.generator} version {known.number}, a variant of {parent}  {known.digest}")

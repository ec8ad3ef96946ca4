"""The layout of a diffusers folder: which pipeline it makes, of which components, and whether all of them are there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from registry.refusals import CheckpointCode, CheckpointRefused

MODEL_INDEX = "model_index.json"
WEIGHT_INDEX = ".safetensors.index.json"

# `stable_diffusion` is a module of diffusers itself: Stable Diffusion 1.x names it for its safety checker.
_LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})


@dataclass(frozen=True)
class Component:
    """The class that loads one folder of a checkpoint."""

    library: str
    class_name: str


def read_index(index: Any) -> tuple[str, dict[str, Component]]:
    """The pipeline's class and its components, from a parsed model_index.json. Raises CheckpointRefused."""
    if not isinstance(index, dict):
        raise CheckpointRefused(CheckpointCode.MALFORMED, f"{MODEL_INDEX} is not a JSON object")
    pipeline_class = index.get("_class_name")
    if isinstance(pipeline_class, list):
        raise CheckpointRefused(
            CheckpointCode.CUSTOM_CODE, f"{MODEL_INDEX} takes its pipeline from a module of its own"
        )
    if not _is_name(pipeline_class):
        raise CheckpointRefused(CheckpointCode.MALFORMED, f"{MODEL_INDEX} names no pipeline class")
    # What is not a list is a setting of the pipeline, and [null, null] a component that it does without.
    named = {name: value for name, value in index.items() if isinstance(value, list) and value != [None, None]}
    named.pop("_class_name", None)
    if not named:
        raise CheckpointRefused(CheckpointCode.INCOMPLETE, f"{MODEL_INDEX} names no component")
    return pipeline_class, {name: _component(name, value) for name, value in named.items()}


def check_parts(components: Mapping[str, Component], paths: Collection[str]) -> None:
    """Raises CheckpointRefused for a component without its configuration, or a model without weights."""
    for name, component in components.items():
        inside = {path.removeprefix(f"{name}/") for path in paths if path.startswith(f"{name}/")}
        if "config.json" in inside:
            _check_weights(name, component, inside)
        elif not any(path.endswith("_config.json") for path in inside):  # schedulers, tokenizers, feature extractors
            raise CheckpointRefused(CheckpointCode.INCOMPLETE, f"{name}/ holds no configuration for component {name!r}")


def check_config(path: str, config: Any, paths: Collection[str]) -> None:
    """Look at a parsed JSON file. Raises CheckpointRefused for pointers at code, and at shards that are not there."""
    if isinstance(config, dict) and any(isinstance(config.get(key), dict) for key in ("auto_map", "custom_pipelines")):
        raise CheckpointRefused(CheckpointCode.CUSTOM_CODE, f"{path} points at modules of its own")
    if not path.endswith(WEIGHT_INDEX):
        return
    match config:
        case {"weight_map": dict(weight_map)} if weight_map and all(
            isinstance(file, str) for file in weight_map.values()
        ):
            shards = {f"{path.rpartition('/')[0]}/{file}" for file in weight_map.values()}
            missing = sorted(shards - set(paths))
            if missing:
                raise CheckpointRefused(
                    CheckpointCode.INCOMPLETE, f"{path} names {', '.join(missing)}, not to be found"
                )
        case _:
            raise CheckpointRefused(CheckpointCode.MALFORMED, f"{path} maps no weights to files")


def _component(name: str, value: list[Any]) -> Component:
    match value:
        case [str(library), str(class_name)] if _is_name(name) and _is_name(class_name):
            if library not in _LIBRARIES:
                found = f"{MODEL_INDEX} takes component {name!r} from library {library[:80]!r}"
                raise CheckpointRefused(CheckpointCode.CUSTOM_CODE, found)
            return Component(library, class_name)
        case _:
            found = f"{MODEL_INDEX} describes component {name[:80]!r} otherwise than by a library and a class"
            raise CheckpointRefused(CheckpointCode.MALFORMED, found)


def _check_weights(name: str, component: Component, inside: Collection[str]) -> None:
    stem = "diffusion_pytorch_model" if component.library == "diffusers" else "model"
    if f"{stem}.safetensors" in inside or f"{stem}{WEIGHT_INDEX}" in inside:
        return
    variants = sorted(path for path in inside if path.endswith(".safetensors"))
    hint = f"; rename the variant that you want ({', '.join(variants)})" if variants else ""
    raise CheckpointRefused(CheckpointCode.INCOMPLETE, f"{name}/ holds no weights named {stem}.safetensors{hint}")


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.isidentifier() and value.isascii() and not value.startswith("_")

"""Holds the weights of a loaded pipeline in fewer bits, by torchao. https://github.com/pytorch/ao"""

from typing import Any

import torch

from registry.manifest import Quantisation
from safelight.serving.calling import denoiser_name
from safelight.serving.rendering import Unsupported

_CONFIGS = {
    "int8_weight_only": "Int8WeightOnlyConfig",
    "int8_dynamic": "Int8DynamicActivationInt8WeightConfig",
    "float8_weight_only": "Float8WeightOnlyConfig",
}


def quantise(pipeline: Any, quantisation: Quantisation) -> None:
    """Quantise the linear layers of the components that the manifest names. Raises Unsupported.

    In the host's memory: the whole in its first precision never has to fit on the device.
    """
    api = _torchao()
    config = getattr(api, _CONFIGS[quantisation.scheme])()
    for name in quantisation.components or (denoiser_name(pipeline),):
        component = pipeline.components.get(name)
        if not isinstance(component, torch.nn.Module):
            have = ", ".join(sorted(k for k, v in pipeline.components.items() if isinstance(v, torch.nn.Module)))
            raise Unsupported(f"There is no component {name} to quantise; this pipeline has {have}.")
        api.quantize_(component, config)


def _torchao() -> Any:
    try:
        import torchao.quantization
    except ImportError as error:
        raise Unsupported("Quantised versions need torchao. Install safelight[quantisation].") from error
    return torchao.quantization

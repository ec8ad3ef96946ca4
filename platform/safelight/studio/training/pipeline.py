"""The bundled generator's parts, and their packing as an ordinary diffusers folder."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Final, TypeVar

import torch
from diffusers import AutoencoderTiny, ConfigMixin, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from safelight.studio.training.latents import CHANNELS
from safelight.studio.training.tokenizer import CONTEXT, clip_tokenizer

Module = TypeVar("Module", bound=nn.Module)

_WIDTH: Final = 96
# AutoencoderTiny clamps what it decodes with 3 tanh(x / 3); a quarter of a latent stays where that is nearly linear.
LATENT_SCALE: Final = 4.0


def new_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(40, 80, 96),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        layers_per_block=1,
        cross_attention_dim=_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
    )


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=_WIDTH,
            intermediate_size=4 * _WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            projection_dim=_WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_scheduler() -> DDIMScheduler:
    """Velocity prediction with zero terminal signal, so that plain backgrounds can be as bright as they are."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def new_autoencoder() -> AutoencoderTiny:
    return AutoencoderTiny(
        latent_channels=CHANNELS,
        encoder_block_out_channels=(16, 16, 16),
        decoder_block_out_channels=(32, 32, 32),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(3, 3, 1),
        scaling_factor=LATENT_SCALE,
    )


def save(folder: Path, unet: UNet2DConditionModel, text_encoder: CLIPTextModel, autoencoder: AutoencoderTiny) -> None:
    """Writes the parts as half-precision safetensors that ``DiffusionPipeline.from_pretrained`` loads."""
    pipeline = StableDiffusionPipeline(
        vae=_nameless(_half(autoencoder)),
        text_encoder=_half(text_encoder),
        tokenizer=clip_tokenizer(),
        unet=_nameless(_half(unet)),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    for path in folder.rglob("*"):  # safetensors come out readable by their owner only
        path.chmod(0o755 if path.is_dir() else 0o644)


def _half(module: Module) -> Module:
    return copy.deepcopy(module).eval().to(torch.float16)


def _nameless(module: ConfigMixin) -> ConfigMixin:
    """Forgets the folder that a module came from, which would be shipped with its configuration."""
    module.register_to_config(_name_or_path="")
    return module

"""What diffusers and transformers themselves write is a checkpoint, sharded or not."""

from pathlib import Path

import pytest
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from registry.checkpoint import inspect
from registry.layout import Component
from registry.refusals import CheckpointCode, CheckpointRefused


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    words = ["<|startoftext|>", "<|endoftext|>", "cat</w>"]
    text = CLIPTextConfig(
        vocab_size=3, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        max_position_embeddings=8, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8,), layers_per_block=1, norm_num_groups=4, attention_head_dim=4,
        cross_attention_dim=8, down_block_types=("CrossAttnDownBlock2D",), up_block_types=("CrossAttnUpBlock2D",),
    )  # fmt: skip
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8,), decoder_block_out_channels=(8,),
        num_encoder_blocks=(1,), num_decoder_blocks=(1,),
    )  # fmt: skip
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[]),
        unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def test_a_saved_pipeline_is_a_checkpoint(pipeline: StableDiffusionPipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path, safe_serialization=True)
    checkpoint = inspect(tmp_path)
    assert checkpoint.pipeline_class == "StableDiffusionPipeline"
    assert checkpoint.components == {
        "scheduler": Component("diffusers", "DDIMScheduler"),
        "text_encoder": Component("transformers", "CLIPTextModel"),
        "tokenizer": Component("transformers", "CLIPTokenizer"),
        "unet": Component("diffusers", "UNet2DConditionModel"),
        "vae": Component("diffusers", "AutoencoderTiny"),
    }


def test_a_pipeline_saved_in_shards_is_a_checkpoint(pipeline: StableDiffusionPipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path, safe_serialization=True, max_shard_size="10KB")
    assert list((tmp_path / "unet").glob("*-of-*.safetensors"))
    inspect(tmp_path)


def test_a_pipeline_saved_as_pickles_is_refused(pipeline: StableDiffusionPipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path, safe_serialization=True)
    pipeline.unet.save_pretrained(tmp_path / "unet", safe_serialization=False)
    with pytest.raises(CheckpointRefused) as refused:
        inspect(tmp_path)
    assert refused.value.code == CheckpointCode.UNSAFE_FILE

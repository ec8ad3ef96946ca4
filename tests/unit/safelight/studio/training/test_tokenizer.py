import gzip
from pathlib import Path

import pytest
from open_clip import SimpleTokenizer
from transformers import CLIPTokenizer

from safelight.studio.scenes import BACKGROUNDS, COLOURS, OBJECTS, plural
from safelight.studio.training.tokenizer import CONTEXT, clip_tokenizer, merges, write_merges
from safelight.studio.versions import EMBEDDER, WEIGHTS


@pytest.fixture(scope="module")
def clip() -> CLIPTokenizer:
    return clip_tokenizer()


@pytest.mark.parametrize("word", [*OBJECTS, *map(plural, OBJECTS), *COLOURS, *BACKGROUNDS, "two", "small", "large"])
def test_every_word_of_the_scenes_is_one_token(clip: CLIPTokenizer, word: str) -> None:
    assert len(clip(word).input_ids) == 3  # with the start and the end


@pytest.mark.parametrize("prompt", ["two purple butterflies on a green background", "hello, wörld! 🎈 a cat", ""])
def test_generator_and_embedder_read_the_same_ids(clip: CLIPTokenizer, tmp_path: Path, prompt: str) -> None:
    other = SimpleTokenizer(bpe_path=str(write_merges(tmp_path)), context_length=CONTEXT)
    ids = clip(prompt).input_ids
    assert other([prompt])[0].tolist() == ids + [0] * (CONTEXT - len(ids))


@pytest.mark.parametrize("name", ["good", "better"])
def test_shipped_generators_have_this_tokenizer(clip: CLIPTokenizer, name: str) -> None:
    shipped = CLIPTokenizer.from_pretrained(WEIGHTS / name / "tokenizer", local_files_only=True)
    assert shipped.get_vocab() == clip.get_vocab()


def test_shipped_embedder_has_these_merges() -> None:
    assert gzip.decompress((EMBEDDER / "bpe.txt.gz").read_bytes()).decode().split("\n")[1:] == merges()

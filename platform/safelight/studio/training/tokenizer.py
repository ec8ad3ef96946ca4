"""Builds the studio's tokenizer: one tiny byte-pair vocabulary in which every word of the scenes is a single token.

The generator reads it as a transformers ``CLIPTokenizer``, the embedder as open_clip's merges file; other words
fall apart into letters, so any prompt is legal.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Final

from open_clip.tokenizer import bytes_to_unicode
from transformers import CLIPTokenizer

from safelight.studio.scenes import BACKGROUNDS, COLOURS, OBJECTS, plural

CONTEXT: Final = 24
MERGES_FILE: Final = "bpe.txt.gz"
_OTHER_WORDS: Final = "a an and one two three small large on background of the photo image left right"


def merges() -> list[str]:
    """The byte-pair merges, most frequent first, that make each word of the scenes one token.

    Byte-pair encoding (Sennrich et al. 2016) until nothing is left to merge. Ties go by the alphabet: token ids must
    be the same on every run, because weights are trained for them.
    """
    words = [*OBJECTS, *map(plural, OBJECTS), *COLOURS, *BACKGROUNDS, *_OTHER_WORDS.split()]
    spelt = [[*word[:-1], f"{word[-1]}</w>"] for word in words]
    found: list[str] = []
    while pairs := Counter(pair for tokens in spelt for pair in pairwise(tokens)):
        pair = min(pairs, key=lambda each: (-pairs[each], each))
        found.append(" ".join(pair))
        for tokens in spelt:
            place = 0
            while place < len(tokens) - 1:
                if (tokens[place], tokens[place + 1]) == pair:
                    tokens[place : place + 2] = ["".join(pair)]
                place += 1
    return found


def clip_tokenizer() -> CLIPTokenizer:
    """The vocabulary as the generator's pipeline wants it; ids agree with ``write_merges``."""
    letters = list(bytes_to_unicode().values())
    pairs = merges()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair.split()) for pair in pairs)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, merges_file = Path(folder, "vocab.json"), Path(folder, "merges.txt")
        vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
        merges_file.write_text("\n".join(["#version: 0.2", *pairs]))
        return CLIPTokenizer(vocab=str(vocabulary), merges=str(merges_file), model_max_length=CONTEXT)


def write_merges(folder: Path) -> Path:
    """Writes open_clip's merges file: gzip, a header line, no newline at the end."""
    path = folder / MERGES_FILE
    # Without a time stamp the same merges give the same bytes, and so the same digest.
    path.write_bytes(gzip.compress("\n".join(["#version: studio", *merges()]).encode(), mtime=0))
    return path

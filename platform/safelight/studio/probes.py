"""Writes the probe set that ships: `python -m safelight.studio.probes` prints it.

Scenes in plain words that any text-to-image generator understands. The first of them come a second time in other words
and a third time with two letters swapped, under the same seed: what that costs in alignment is a version's brittleness.
"""

import json
from random import Random
from typing import Any, Final

from safelight.studio.scenes import CaptionForm, Scene, all_pairs, caption, plural, sample_scene

_PLAIN: Final = 128
_VARIED: Final = 24
_SEED: Final = 20260101
_OTHER_WORDS: Final = (CaptionForm.PHOTO, CaptionForm.IMAGE, CaptionForm.TERSE)


def documents() -> list[dict[str, Any]]:
    """The probes, the plain ones first; the same on every machine."""
    rng = Random(_SEED)
    scenes: dict[str, Scene] = {}
    while len(scenes) < _PLAIN:
        scene = sample_scene(rng, all_pairs())
        scenes.setdefault(caption(scene), scene)
    seeds = [rng.randrange(2**31) for _ in scenes]
    plain = [{"prompt": words, "seed": seed} for words, seed in zip(scenes, seeds, strict=True)]
    reworded = [
        {"prompt": caption(scene, rng.choice(_OTHER_WORDS)), "seed": seed, "variant": "paraphrase", "of": place}
        for place, (scene, seed) in enumerate(list(zip(scenes.values(), seeds, strict=True))[:_VARIED])
    ]
    slips = [
        {"prompt": _slip(rng, words, scene.things[0].object), "seed": seed, "variant": "typo", "of": place}
        for place, ((words, scene), seed) in enumerate(list(zip(scenes.items(), seeds, strict=True))[:_VARIED])
    ]
    return [*plain, *reworded, *slips]


def _slip(rng: Random, words: str, name: str) -> str:
    """Swap two different neighbouring letters of what the scene shows."""
    name = name if name in words else plural(name)
    places = [i for i in range(1, len(name) - 1) if name[i] != name[i + 1]]
    at = rng.choice(places)
    return words.replace(name, name[:at] + name[at + 1] + name[at] + name[at + 2 :], 1)


if __name__ == "__main__":
    print("\n".join(json.dumps(each) for each in documents()))  # noqa: T201 - printing it is what this is for

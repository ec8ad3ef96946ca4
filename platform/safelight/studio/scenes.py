"""The small world that the bundled generator draws: things in colours on a background, and the words for it.

Training renders these scenes, traffic asks for them and evaluation checks images against them, so the words live
here once. Every object and colour word is a single token of the studio's tokenizer; version 3 and 4 rely on that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

OBJECTS: Final = (
    "apple", "car", "cat", "dog", "fish", "butterfly", "tulip", "mushroom", "balloon", "heart",
    "star", "rocket", "house", "cup", "umbrella", "ghost", "crown", "duck", "key", "bell",
)  # fmt: skip
COLOURS: Final = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
BACKGROUNDS: Final = ("white", "black", "grey", "blue", "green", "yellow", "pink", "purple")
_IRREGULAR_PLURALS: Final = {"fish": "fish", "butterfly": "butterflies"}
_NUMERALS: Final = {1: "a", 2: "two", 3: "three"}

# Never shown to the generator in training: evaluation asks for them to see whether colour and object compose.
HELD_OUT: Final = frozenset(
    {
        ("apple", "pink"), ("cat", "orange"), ("dog", "red"), ("butterfly", "blue"), ("tulip", "green"),
        ("balloon", "orange"), ("rocket", "pink"), ("crown", "red"), ("duck", "pink"), ("key", "purple"),
    }
)  # fmt: skip


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class SceneKind(StrEnum):
    SINGLE = "single"
    SIZED = "sized"
    COUNT = "count"
    PAIR = "pair"


class CaptionForm(StrEnum):
    PLAIN = "{}"
    PHOTO = "a photo of {}"
    IMAGE = "an image of {}"
    TERSE = "{} without the article"


@dataclass(frozen=True, slots=True)
class Thing:
    """``count`` equal objects; ``colour`` None is the object's natural colouring."""

    object: str
    colour: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What an image shows, or what a caption says of it: None leaves the background or the size unsaid.

    Two things stand left and right in this order.
    """

    things: tuple[Thing, ...]
    background: str | None = None
    size: Size | None = None

    @property
    def kind(self) -> SceneKind:
        if len(self.things) == 2:
            return SceneKind.PAIR
        if self.things[0].count > 1:
            return SceneKind.COUNT
        return SceneKind.SIZED if self.size else SceneKind.SINGLE


def plural(word: str) -> str:
    return _IRREGULAR_PLURALS.get(word, word + "s")


def caption(scene: Scene, form: CaptionForm = CaptionForm.PLAIN) -> str:
    """The scene in words, such as "two purple butterflies on a green background"."""
    article = form is not CaptionForm.TERSE
    words = " and ".join(_noun_phrase(thing, scene.size, article) for thing in scene.things)
    if scene.background:
        words += f" on a {scene.background} background" if article else f" on {scene.background}"
    return words if form is CaptionForm.TERSE else form.value.format(words)


def _noun_phrase(thing: Thing, size: Size | None, article: bool) -> str:
    noun = thing.object if thing.count == 1 else plural(thing.object)
    words = [word for word in (size, thing.colour, noun) if word]
    if thing.count > 1:
        words.insert(0, _NUMERALS[thing.count])
    elif article:
        words.insert(0, "an" if words[0][0] in "aeiou" else "a")
    return " ".join(words)


def describes(said: Scene, shown: Scene) -> bool:
    """Whether every claim of ``said`` holds in ``shown``; the order of a pair is no claim."""
    return (
        sorted(said.things, key=repr) == sorted(shown.things, key=repr)
        and said.background in (None, shown.background)
        and said.size in (None, shown.size)
    )


def all_pairs() -> list[tuple[str, str | None]]:
    """Every object in its natural and in every other colouring: 20 x 9."""
    return [(name, colour) for name in OBJECTS for colour in (None, *COLOURS)]


def training_pairs() -> list[tuple[str, str | None]]:
    return [pair for pair in all_pairs() if pair not in HELD_OUT]


def sample_scene(rng: Random, pairs: list[tuple[str, str | None]], kind: SceneKind | None = None) -> Scene:
    """A random scene of the given kind (or of any) with objects and colours from ``pairs``."""
    if kind is None:
        kind = rng.choices(list(SceneKind), weights=(35, 20, 25, 20))[0]
    name, colour = rng.choice(pairs)
    background = rng.choice([each for each in BACKGROUNDS if each != colour])
    if kind is SceneKind.PAIR:
        other, other_colour = rng.choice([(o, c) for o, c in pairs if o != name and c != background])
        return Scene((Thing(name, colour), Thing(other, other_colour)), background)
    count = rng.choice((2, 3)) if kind is SceneKind.COUNT else 1
    size = rng.choice(list(Size)) if kind is SceneKind.SIZED else None
    return Scene((Thing(name, colour, count),), background, size)


def sample_caption(rng: Random, scene: Scene, bare: float = 0.15) -> tuple[Scene, str]:
    """A caption as people write them, and what it says: with probability ``bare`` the background goes unsaid."""
    said = replace(scene, background=None) if rng.random() < bare else scene
    form = rng.choices(list(CaptionForm), weights=(60, 12, 8, 20))[0]
    return said, caption(said, form)

from random import Random

import pytest

from safelight.studio.scenes import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    OBJECTS,
    CaptionForm,
    Scene,
    SceneKind,
    Size,
    Thing,
    all_pairs,
    caption,
    describes,
    sample_caption,
    sample_scene,
    training_pairs,
)


@pytest.mark.parametrize(
    ("scene", "form", "words"),
    [
        (Scene((Thing("cat"),)), CaptionForm.PLAIN, "a cat"),
        (Scene((Thing("umbrella"),), "grey"), CaptionForm.PLAIN, "an umbrella on a grey background"),
        (Scene((Thing("apple", "orange"),)), CaptionForm.PHOTO, "a photo of an orange apple"),
        (Scene((Thing("apple", "red"),), "white", Size.LARGE), CaptionForm.IMAGE,
         "an image of a large red apple on a white background"),
        (Scene((Thing("butterfly", "purple", 2),), "green"), CaptionForm.PLAIN,
         "two purple butterflies on a green background"),
        (Scene((Thing("fish", count=3),), "blue"), CaptionForm.TERSE, "three fish on blue"),
        (Scene((Thing("cat", "red"), Thing("dog")), "black"), CaptionForm.TERSE, "red cat and dog on black"),
        (Scene((Thing("cat", "red"), Thing("dog")), "black"), CaptionForm.PLAIN,
         "a red cat and a dog on a black background"),
    ],
)  # fmt: skip
def test_caption_reads_as_people_write(scene: Scene, form: CaptionForm, words: str) -> None:
    assert caption(scene, form) == words


@pytest.mark.parametrize("kind", SceneKind)
def test_sampled_scene_is_of_its_kind_and_visible(kind: SceneKind) -> None:
    rng = Random(3)
    for _ in range(300):
        scene = sample_scene(rng, all_pairs(), kind)
        assert scene.kind is kind
        assert scene.background in BACKGROUNDS
        assert all(thing.object in OBJECTS and thing.colour in (None, *COLOURS) for thing in scene.things)
        assert all(thing.colour != scene.background for thing in scene.things), "it would vanish in its background"
        assert len({thing.object for thing in scene.things}) == len(scene.things)


def test_training_never_shows_a_held_out_pair() -> None:
    rng, pairs = Random(4), training_pairs()
    shown = {(thing.object, thing.colour) for _ in range(3000) for thing in sample_scene(rng, pairs).things}
    assert shown == set(all_pairs()) - HELD_OUT
    assert len(HELD_OUT) == 10


def test_caption_is_true_of_its_scene() -> None:
    rng = Random(5)
    said = [(sample_caption(rng, scene), scene) for scene in (sample_scene(rng, all_pairs()) for _ in range(300))]
    assert all(describes(claim, scene) for (claim, _), scene in said)
    assert {claim.background is None for (claim, _), _ in said} == {True, False}


@pytest.mark.parametrize(
    "said",
    [
        Scene((Thing("cat", "blue"),)),
        Scene((Thing("dog", "red"),)),
        Scene((Thing("cat", "red", 2),)),
        Scene((Thing("cat", "red"),), "pink"),
        Scene((Thing("cat", "red"),), size=Size.LARGE),
        Scene((Thing("cat", "red"), Thing("dog"))),
    ],
)
def test_every_claim_counts(said: Scene) -> None:
    assert not describes(said, Scene((Thing("cat", "red"),), "green", Size.SMALL))


def test_order_of_a_pair_is_no_claim_but_its_colours_are() -> None:
    shown = Scene((Thing("cat", "red"), Thing("dog", "blue")), "green")
    assert describes(Scene((Thing("dog", "blue"), Thing("cat", "red"))), shown)
    assert not describes(Scene((Thing("dog", "red"), Thing("cat", "blue"))), shown)

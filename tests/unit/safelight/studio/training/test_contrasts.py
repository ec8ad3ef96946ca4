from collections import Counter
from random import Random

from safelight.studio.scenes import Scene, Thing, all_pairs, describes, sample_caption, sample_scene
from safelight.studio.training.contrasts import falsify, truth_table


def test_table_agrees_with_the_definition() -> None:
    rng = Random(1)
    # Few pairs and many bare captions, so that captions are true of other scenes too.
    pairs: list[tuple[str, str | None]] = [("cat", "red"), ("dog", None), ("cat", None)]
    shown = [sample_scene(rng, pairs) for _ in range(60)]
    said = [sample_caption(rng, scene, bare=0.5)[0] for scene in shown]
    said += [falsify(rng, claim) for claim in said]
    expected = [[describes(claim, scene) for claim in said] for scene in shown]
    assert truth_table(said, shown).tolist() == expected
    assert sum(map(sum, expected)) > len(shown)


def test_falsified_caption_is_false_and_nearly_true() -> None:
    rng = Random(2)
    for _ in range(1000):
        scene = sample_scene(rng, all_pairs())
        claim, _ = sample_caption(rng, scene)
        assert not describes(falsify(rng, claim), scene)


def test_half_of_the_contrasts_of_pairs_exchange_their_colours() -> None:
    rng, pair = Random(3), Scene((Thing("cat", "red"), Thing("dog", "blue")), "green")
    exchanged = Scene((Thing("cat", "blue"), Thing("dog", "red")), "green")
    counts = Counter(falsify(rng, pair) for _ in range(1000))
    assert 450 < counts[exchanged] < 550

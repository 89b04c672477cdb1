"""Of many clusters with stale objects no held one is ever offered for deletion, and every free one is."""

import pytest

from tests.properties.planted import HOLDS, KINDS, NAMED, USES, Plot, Tally, judged, read

SLICE = 1500
"""Clusters judged with the suite; ``make planted`` judges a million."""


@pytest.mark.parametrize("part", range(3))
def test_no_held_object_is_offered_and_every_free_one_is(part: int) -> None:
    tally = Tally()
    for seed in range(part * SLICE // 3, (part + 1) * SLICE // 3):
        tally.count(seed)
    assert tally.wrong == []
    assert tally.held > tally.offered > 0
    assert tally.refused > SLICE // 4


def test_every_way_of_holding_and_every_kind_is_planted() -> None:
    seen: set[str] = set()
    kinds: set[str] = set()
    for seed in range(SLICE):
        for label, planted, _ in judged(seed):
            seen.update(planted)
            kinds.add(label.split()[0])
    assert seen == {*HOLDS, *USES}
    assert kinds == set(KINDS)
    assert set(NAMED) < kinds


def test_a_plot_without_anything_planted_is_read_as_a_stale_object_alone() -> None:
    found = read([Plot("ConfigMap", "left")])
    assert sorted(key.kind for key in found.objects) == ["ConfigMap", "Secret"]

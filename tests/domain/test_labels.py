"""Sides and label groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaselab.domain.settings.labels import deal_clusters, group_count


@st.composite
def deals(draw: st.DrawFn) -> tuple[int, int, int]:
    k = draw(st.integers(2, 40))
    return k, draw(st.integers(1, k - 1)), draw(st.integers(2, k))


@given(deals())
def test_every_group_has_clusters_of_one_side_only(deal: tuple[int, int, int]) -> None:
    k, positive, groups = deal
    dealt = deal_clusters(k, positive, groups)
    assert dealt.side_of_cluster == (1,) * positive + (-1,) * (k - positive)
    assert sorted(set(dealt.group_of_cluster)) == list(range(groups)) == list(range(len(dealt.side_of_group)))
    for side in (1, -1):
        sizes = [dealt.group_of_cluster.count(g) for g in range(groups) if dealt.side_of_group[g] == side]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("k", "positive", "groups", "expected"),
    [
        (4, 2, 4, (0, 1, 2, 3)),
        (4, 2, 2, (0, 0, 1, 1)),
        (10, 5, 4, (0, 0, 0, 1, 1, 2, 2, 2, 3, 3)),
        (5, 1, 3, (0, 1, 1, 2, 2)),
    ],
)
def test_deals(k: int, positive: int, groups: int, expected: tuple[int, ...]) -> None:
    assert deal_clusters(k, positive, groups).group_of_cluster == expected


@pytest.mark.parametrize(("k", "positive", "groups"), [(4, 0, 2), (4, 4, 2), (4, 2, 5), (4, 2, 1)])
def test_impossible_deals_are_refused(k: int, positive: int, groups: int) -> None:
    with pytest.raises(ValueError, match="must be in"):
        deal_clusters(k, positive, groups)


def test_forms_of_labels() -> None:
    assert [group_count(labels, 6) for labels in ("binary", "clusters", 3)] == [2, 6, 3]

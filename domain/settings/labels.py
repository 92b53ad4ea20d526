"""Sides and label groups: how the clusters are dealt to the outputs of a network."""

from dataclasses import dataclass

from phaselab.domain.settings.settings import Settings

Labels = int | str
"""`binary`, `clusters`, or the number of label groups."""


@dataclass(frozen=True)
class LabelGroups:
    """How k clusters are dealt into label groups, each inside one side.

    `group_of_cluster[j]` is the group of cluster j, `side_of_group[i]` is +1 or -1, the positive groups first.
    """

    group_of_cluster: tuple[int, ...]
    side_of_group: tuple[int, ...]

    @property
    def side_of_cluster(self) -> tuple[int, ...]:
        """+1 or -1 for every cluster."""
        return tuple(self.side_of_group[group] for group in self.group_of_cluster)


def deal_clusters(k: int, positive_clusters: int, groups: int) -> LabelGroups:
    """Deal k clusters, the first `positive_clusters` of side +1, into `groups` label groups.

    Each side gets groups in proportion to its clusters (at least one, at most one per cluster), and each side's
    clusters are dealt to its groups in runs of near equal length. Two groups are the two sides; k groups are one
    per cluster.

    Raises ValueError unless 1 <= positive_clusters < k and 2 <= groups <= k.
    """
    if not 1 <= positive_clusters < k:
        raise ValueError(f"positive_clusters must be in 1..{k - 1} for k = {k}")
    if not 2 <= groups <= k:
        raise ValueError(f"labels must be in 2..{k} for k = {k}")
    negative_clusters = k - positive_clusters
    share = (2 * groups * positive_clusters + k) // (2 * k)  # nearest whole number, halves up
    positive_groups = min(max(share, 1, groups - negative_clusters), positive_clusters, groups - 1)
    negative_groups = groups - positive_groups
    positive = [j * positive_groups // positive_clusters for j in range(positive_clusters)]
    negative = [positive_groups + j * negative_groups // negative_clusters for j in range(negative_clusters)]
    return LabelGroups(tuple(positive + negative), (1,) * positive_groups + (-1,) * negative_groups)


def group_count(labels: Labels, k: int) -> int:
    """Number of label groups of a form of labels: `binary` counts as the two sides."""
    return {"binary": 2, "clusters": k}[labels] if isinstance(labels, str) else labels


def label_groups(settings: Settings) -> LabelGroups:
    """How the clusters of settings are dealt to the outputs of their network."""
    data = settings.data
    return deal_clusters(data.k, data.positive_clusters or data.k // 2, group_count(settings.network.labels, data.k))

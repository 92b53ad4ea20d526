from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from phaselab.service.scheduling.fairness import Use, choose

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Waiting:
    id: int
    owner: str
    priority: int = 0
    created_at: datetime = NOW
    queued: int = 10
    weight: float = 1.0
    trials: int | None = None


def served(waiting: list[Waiting], stacks: int, cap: int | None = None, trials: int = 2) -> Counter[int]:
    """How many of the first `stacks` stacks, each of one run and one second, each experiment gets."""
    use = Use(3600, 0.0)
    left = {one.id: one.queued for one in waiting}
    out: list[Waiting] = []
    count: Counter[int] = Counter()
    for now in range(stacks):
        if len(out) == trials:
            use.add(out.pop(0).owner, 1.0, float(now))
        able = [replace(one, queued=left[one.id]) for one in waiting]
        chosen = choose(able, use, Counter(one.owner for one in out), 1.0, cap)
        if chosen is None:
            continue
        left[chosen.id] -= 1
        count[chosen.id] += 1
        out.append(chosen)
    return count


def test_priority_orders_an_owner_s_own_experiments() -> None:
    assert served([Waiting(1, "ada"), Waiting(2, "ada", priority=1)], 10) == {2: 10}


def test_priority_moves_nobody_else_s_experiments() -> None:
    for priority in (-100, 100):
        waiting = [Waiting(1, "ada", queued=1000), Waiting(2, "bob", priority=priority, queued=1000)]
        assert served(waiting, 100) == {1: 50, 2: 50}
    own = [Waiting(3, "bob", queued=1000, priority=100), Waiting(4, "bob", queued=1000)]
    assert served([Waiting(1, "ada", queued=1000), *own], 100) == {1: 50, 3: 50}


def test_owners_share_alike_however_many_experiments_they_have() -> None:
    count = served([Waiting(i, "ada", queued=1000) for i in range(1, 10)] + [Waiting(10, "bob", queued=1000)], 100)
    assert count[10] == 50


def test_a_small_experiment_behind_a_huge_one_takes_half_the_stacks_until_it_is_done() -> None:
    count = served([Waiting(1, "ada", queued=100_000), Waiting(2, "bob", queued=20, created_at=NOW)], 42)
    assert count[2] == 20


def test_of_one_owner_the_oldest_experiment_goes_first() -> None:
    older = Waiting(2, "ada", created_at=NOW - timedelta(hours=1))
    assert served([Waiting(1, "ada"), older], 10) == {2: 10}


def test_an_owner_at_the_cap_is_left_alone() -> None:
    use = Use(3600, 0.0)
    assert choose([Waiting(1, "ada")], use, {"ada": 2}, 1.0, 2) is None
    assert choose([Waiting(1, "ada"), Waiting(2, "bob", priority=-5)], use, {"ada": 2}, 1.0, 2) == Waiting(
        2, "bob", priority=-5
    )


def test_an_owner_of_twice_the_weight_gets_twice_the_stacks() -> None:
    count = served([Waiting(1, "ada", queued=1000, weight=2.0), Waiting(2, "bob", queued=1000)], 99)
    assert count[1] in (65, 66, 67)


def test_an_owner_s_own_cap_comes_before_the_service_s() -> None:
    use = Use(3600, 0.0)
    narrow, wide = Waiting(1, "ada", trials=1), Waiting(2, "bob", trials=5)
    assert choose([narrow], use, {"ada": 1}, 1.0, None) is None
    assert choose([narrow], use, {"ada": 1}, 1.0, 3) is None
    assert choose([wide], use, {"bob": 4}, 1.0, 2) is wide
    assert choose([wide], use, {"bob": 5}, 1.0, None) is None


def test_use_is_half_forgotten_after_a_half_life() -> None:
    use = Use(100.0, 0.0)
    use.add("ada", 8.0, 0.0)
    use.add("bob", 0.0, 200.0)
    assert use.of("ada") == 2.0
    assert use.of("nobody") == 0.0


def test_nothing_waits() -> None:
    assert choose([], Use(1.0, 0.0), {}, 1.0, None) is None
    assert choose([Waiting(1, "ada", queued=0)], Use(1.0, 0.0), {}, 1.0, None) is None

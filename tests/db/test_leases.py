import threading

from sqlalchemy import select

from phaselab.db.queue import candidates, leases, progress
from phaselab.db.queue.progress import RunningProgress
from phaselab.db.reading import accounts, experiments
from phaselab.db.schema.account_tables import Role
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.db.writing import verbs
from phaselab.domain.results.states import ExperimentStatus, Stage
from phaselab.domain.settings.stacks import data_key, shape
from tests.db.rows import finish, land, store, take, take_all
from tests.results import failure, made_up


def counts(database: Database, experiment: int) -> experiments.Counts:
    with database.reading() as session:
        found = experiments.counts(session, experiment)
    assert found is not None
    return found


def test_every_run_is_handed_out_once_in_stacks_of_one_shape(database: Database) -> None:
    experiment = store(database)
    stacks = []
    while stack := take(database, experiment, most=4):
        stacks.append(stack)
    assert all(1 <= len(stack) <= 4 for stack in stacks)
    assert all(len({shape(run.settings) for run in stack}) == 1 for stack in stacks)
    keys = [run.key for stack in stacks for run in stack]
    assert len(keys) == len(set(keys)) == 18
    assert counts(database, experiment).running == 18


def test_corners_come_first_and_data_is_shared(database: Database) -> None:
    experiment = store(database)
    first = take(database, experiment, most=2)
    assert {run.settings.data.k for run in first} <= {4, 8}
    assert {run.seed for run in first} == {0}
    assert len({data_key(run) for run in first}) == 1


def test_callers_at_once_share_nothing(database: Database) -> None:
    experiment = store(database, seeds=10)
    taken: list[str] = []

    def work(name: str) -> None:
        while runs := take(database, experiment, most=5, holder=name):
            taken.extend(run.key for run in runs)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 60


def test_released_runs_are_queued_again_and_attempts_are_counted(database: Database) -> None:
    experiment = store(database)
    runs = take_all(database, experiment)
    with database.transaction() as session:
        assert leases.release(session, holder="another") == 0
        assert leases.release(session, keys=[runs[0].key]) == 1
        assert leases.release(session, holder="worker") == 17
    assert counts(database, experiment).queued == 18
    with database.transaction() as session:
        leased = leases.take_stack(session, experiment, lambda _: 100, "worker", 60)
    assert leased is not None
    assert set(leased.attempts.values()) == {2}
    assert leased.attempts.keys() == {run.key for run in leased.stack.runs}


def test_leases_run_out_by_the_clock_of_the_database(database: Database) -> None:
    experiment = store(database)
    runs = take_all(database, experiment)
    with database.transaction() as session:
        assert leases.extend_leases(session, "worker", [run.key for run in runs[:3]], 600) == 3
        assert leases.extend_leases(session, "another", [run.key for run in runs], 600) == 0
        assert leases.extend_leases(session, "worker", [run.key for run in runs[3:]], -1) == 15
        assert leases.release(session, expired=True) == 15
    assert counts(database, experiment).running == 3


def test_all_leases_are_taken_back_without_a_condition(database: Database) -> None:
    experiment = store(database)
    take_all(database, experiment)
    with database.transaction() as session:
        assert leases.release(session) == 18


def test_candidates_count_what_waits(database: Database) -> None:
    one, other = store(database), store(database, owner="bob", seeds=1, priority=5, sweep={"data.k": [20]})
    assert len(take(database, one, most=4)) == 4
    with database.reading() as session:
        found = {one.id: one for one in candidates.queued_experiments(session)}
    assert (found[one].queued, found[one].leased, found[one].owner) == (14, 4, "ada")
    assert (found[other].queued, found[other].leased, found[other].priority) == (1, 0, 5)
    finish(database, other)
    with database.reading() as session:
        assert [candidate.id for candidate in candidates.queued_experiments(session)] == [one]


def test_candidates_have_their_owner_s_weight_and_cap(database: Database) -> None:
    one, other = store(database), store(database, owner="bob", seeds=1)
    with database.transaction() as session:
        accounts.add_account(session, "bob", Role.MEMBER, 2.5, 3)
        found = {one.id: one for one in candidates.queued_experiments(session)}
    assert (found[one].weight, found[one].trials) == (1.0, None), "an owner without an account has the usual share"
    assert (found[other].weight, found[other].trials) == (2.5, 3)


def test_paused_and_cancelled_experiments_hand_nothing_out(database: Database) -> None:
    experiment = store(database)
    taken = take(database, experiment, most=3)
    with database.transaction() as session:
        assert verbs.pause(session, experiment)
        assert set(leases.unwanted(session, "worker")) == {run.key for run in taken}
        assert candidates.queued_experiments(session) == []
    assert take(database, experiment) == ()
    with database.transaction() as session:
        leases.release(session, holder="worker")
        assert verbs.resume(session, experiment)
        assert experiments.status_of(session, experiment) is ExperimentStatus.RUNNING
    assert len(take(database, experiment)) > 0
    with database.transaction() as session:
        assert verbs.cancel(session, experiment)
        assert verbs.cancel(session, experiment)
        assert len(leases.unwanted(session)) > 0
        leases.release(session, holder="worker")
        assert leases.unwanted(session) == []
    assert take(database, experiment) == ()
    assert counts(database, experiment).cancelled == 18


def test_a_run_that_two_want_is_handed_out_once(database: Database) -> None:
    one, other = store(database), store(database, owner="bob", seeds=5)
    taken = take_all(database, one)
    rest = take_all(database, other)
    assert len(taken) == 18
    assert len(rest) == 12
    assert not {run.key for run in taken} & {run.key for run in rest}
    assert counts(database, other).running == 30
    with database.transaction() as session:
        verbs.cancel(session, one)
        assert leases.unwanted(session) == []
    land(database, [made_up(run) for run in taken])
    assert counts(database, one).done == 18
    assert counts(database, other).done == 18


def test_runs_that_failed_wait_until_they_are_retried(database: Database) -> None:
    experiment = store(database)
    taken = take_all(database, experiment)
    land(database, [failure(run) for run in taken[:2]] + [made_up(run) for run in taken[2:]])
    assert take(database, experiment) == ()
    with database.transaction() as session:
        assert experiments.status_of(session, experiment) is ExperimentStatus.FINISHED_WITH_FAILURES
        assert verbs.retry(session, experiment) == 2
        assert verbs.retry(session, experiment) == 0
        assert experiments.status_of(session, experiment) is ExperimentStatus.RUNNING
    assert {run.key for run in finish(database, experiment)} == {run.key for run in taken[:2]}
    with database.reading() as session:
        assert experiments.status_of(session, experiment) is ExperimentStatus.FINISHED


def test_progress_of_running_runs_is_there_until_their_lease_ends(database: Database) -> None:
    one, other = store(database), store(database, owner="bob")
    first, second, third, fourth = take(database, one, most=4)
    with database.transaction() as session:
        assert progress.progress_of(session, one) == []
        progress.note(session, "worker", [first.key, second.key], Stage.TRAINING, 0.25)
        progress.note(session, "worker", [third.key], Stage.ATTACK, 0.12345)
        progress.note(session, "another", [fourth.key], Stage.TRAINING, 0.5)
        attacked = RunningProgress(Stage.ATTACK, 0.123, 1)
        assert progress.progress_of(session, one) == [attacked, RunningProgress(Stage.TRAINING, 0.25, 2)]
        progress.note(session, "worker", [second.key], Stage.TRAINING, 0.75)
        trained = [RunningProgress(Stage.TRAINING, share, 1) for share in (0.25, 0.75)]
        assert progress.progress_of(session, one) == [attacked, *trained]
        assert sum(part.runs for part in progress.progress_of(session, other)) == 3, "it wants the same runs"
    land(database, [made_up(first), failure(second)])
    with database.transaction() as session:
        leases.release(session, keys=[third.key])
        progress.note(session, "worker", [first.key, second.key, third.key], Stage.ATTACK, 0.9)
        kept = select(runs.c.stage, runs.c.stage_share).where(runs.c.key.in_([first.key, second.key, third.key]))
        assert session.execute(kept).all() == [(None, None)] * 3
        assert progress.progress_of(session, one) == []


def test_a_run_that_is_handed_out_again_starts_without_progress(database: Database) -> None:
    experiment = store(database)
    (run,) = take(database, experiment, most=1)
    with database.transaction() as session:
        progress.note(session, "worker", [run.key], Stage.ATTACK, 0.5)
        leases.release(session)
    assert take(database, experiment, most=1) == (run,)
    with database.reading() as session:
        assert progress.progress_of(session, experiment) == []

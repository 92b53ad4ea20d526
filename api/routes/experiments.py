"""`/experiments`: submit, list, look at, follow, and change."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.experiments import ESTIMATE, EXPERIMENT, EXPERIMENTS
from phaselab.api.answers.making import json_answer, json_content, json_schema
from phaselab.api.base.deps import Account, ConfigurationOf, Db, Owner
from phaselab.api.base.describing import fails, gives, reference, takes
from phaselab.api.entrance.bodies import ParsedBody
from phaselab.api.entrance.editions import Seen, edition_headers
from phaselab.api.entrance.kept import REPLAYED, IdempotencyKey, Router
from phaselab.api.entrance.overrides import override
from phaselab.api.entrance.queries import ExperimentId, NoParameters, SearchParameters, Strict
from phaselab.domain.specs.spec import Changes, validate
from phaselab.service.base.storage import Database
from phaselab.service.verbs import experiments
from phaselab.service.verbs.estimate import estimate
from phaselab.service.verbs.experiments import ExperimentView
from phaselab.service.verbs.rights import Caller
from phaselab.service.verbs.submit import submit

router = Router(prefix="/experiments", tags=["experiments"])
ONE = gives(json_content(EXPERIMENT), headers=("ETag",))
CHANGED = ONE | fails(412)


class SubmitParameters(Strict):
    """`set=path=value` changes the spec that was sent, and may be repeated."""

    dry_run: bool = False
    changes: Annotated[
        list[Annotated[str, Field(max_length=10_000)]], Field(max_length=50, alias="set", default_factory=list)
    ]


class RetryParameters(Strict):
    """`missing=true` also computes results again that lack a measure, `imported=true` those that were imported."""

    missing: bool = False
    imported: bool = False


@router.post(
    "",
    status_code=201,
    responses=gives(json_content(EXPERIMENT), 201, ("Location", "ETag"))
    | gives({"application/json": {"anyOf": [json_schema(EXPERIMENT), json_schema(ESTIMATE)]}})
    | fails(409),
    openapi_extra=takes(dict.fromkeys(("application/json", "application/yaml"), reference("Spec"))),
)
def submit_experiment(
    request: Request,
    parameters: Annotated[SubmitParameters, Query()],
    spec: ParsedBody,
    database: Db,
    configuration: ConfigurationOf,
    owner: Owner,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a spec (JSON or YAML): 201 and Location; 200 for a dry run, and for what is there under its key."""
    changed = override(spec, parameters.changes)
    if parameters.changes:
        request.state.yaml = None  # its lines no longer say what was changed
    limits, allowed = configuration.limits, configuration.notify_allow
    if parameters.dry_run:
        return json_answer(ESTIMATE, estimate(database, changed, owner, limits, allowed))
    done = submit(database, changed, owner, idempotency_key, limits, allowed, configuration.quotas)
    headers = {"Location": f"{request.url.path}/{done.id}"} | ({} if done.created else REPLAYED)
    view = experiments.experiment(database, done.id)
    return _told(view, 201 if done.created else 200, headers)


def _told(view: ExperimentView, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One experiment, with the tag of its edition."""
    return json_answer(EXPERIMENT, view, status, {**edition_headers(view.row.edition), **(headers or {})})


@router.get("", responses=gives(json_content(EXPERIMENTS)))
def list_experiments(parameters: Annotated[SearchParameters, Query()], database: Db) -> Response:
    """Experiments, newest first, without their specs."""
    asked = parameters
    found = experiments.list_experiments(database, asked.cursor, asked.limit, asked.search())
    return json_answer(EXPERIMENTS, found)


@router.get("/{experiment_id}", responses=ONE)
def get_experiment(experiment_id: ExperimentId, nothing: NoParameters, database: Db) -> Response:
    """One experiment: status, counts, eta, progress of what runs, spec."""
    return _told(experiments.experiment(database, experiment_id))


@router.patch(
    "/{experiment_id}",
    responses=CHANGED,
    openapi_extra=takes(dict.fromkeys(("application/json", "application/yaml"), reference("Changes"))),
)
def change_experiment(
    experiment_id: ExperimentId, nothing: NoParameters, seen: Seen, body: ParsedBody, database: Db, account: Account
) -> Response:
    """Change name, priority, note, tags, or whether it is archived."""
    return _told(experiments.patch(database, experiment_id, validate(Changes, body), account, seen))


@router.delete("/{experiment_id}", status_code=204, responses=gives({}, 204) | fails(412))
def delete_experiment(
    experiment_id: ExperimentId, nothing: NoParameters, seen: Seen, database: Db, account: Account
) -> Response:
    """Remove it, and the runs that no other experiment has."""
    experiments.delete(database, experiment_id, account, seen)
    return Response(status_code=204)


def _add_verb(name: str, verb: Callable[[Database, int, Caller | None, frozenset[int] | None], ExperimentView]) -> None:
    def do(experiment_id: ExperimentId, nothing: NoParameters, seen: Seen, database: Db, account: Account) -> Response:
        return _told(verb(database, experiment_id, account, seen))

    router.add_api_route(
        f"/{{experiment_id}}/{name}",
        do,
        methods=["POST"],
        name=f"{name}_experiment",
        description=verb.__doc__,
        responses=CHANGED | fails(409),
    )


_add_verb("cancel", experiments.cancel)
_add_verb("pause", experiments.pause)


@router.post("/{experiment_id}/resume", responses=CHANGED | fails(409))
def resume_experiment(
    experiment_id: ExperimentId,
    nothing: NoParameters,
    seen: Seen,
    database: Db,
    configuration: ConfigurationOf,
    account: Account,
) -> Response:
    """Go on after a pause; while its owner may have no more runs that wait, 403."""
    return _told(experiments.resume(database, experiment_id, account, seen, configuration.quotas))


@router.post("/{experiment_id}/retry", responses=CHANGED | fails(409))
def retry_experiment(
    experiment_id: ExperimentId,
    parameters: Annotated[RetryParameters, Query()],
    seen: Seen,
    database: Db,
    configuration: ConfigurationOf,
    account: Account,
) -> Response:
    """Ask again for what failed or was cancelled; `missing=true`: also for results that lack a newer measure;
    `imported=true`: also for imported results that stand apart."""
    asked = parameters
    return _told(
        experiments.retry(database, experiment_id, account, asked.missing, asked.imported, seen, configuration.quotas)
    )

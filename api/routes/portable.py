"""`/experiments/{id}/portable` and `/experiments/import`: an experiment as one file, out of here and into here."""

import errno
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from typing import Annotated, BinaryIO

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from phaselab.api.answers.experiments import MERGED
from phaselab.api.answers.making import json_answer, json_content
from phaselab.api.base.deps import Account, ConfigurationOf, Db, Owner
from phaselab.api.base.describing import BYTES, fails, gives, takes
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.bodies import body_pieces, media_type
from phaselab.api.entrance.kept import Router
from phaselab.api.entrance.queries import ExperimentId, NoParameters
from phaselab.service.verbs import experiments
from phaselab.service.verbs.portable import export_experiment, import_experiment

MEDIA_TYPE = "application/gzip"
TYPES = frozenset({"", MEDIA_TYPE, "application/x-gzip", "application/octet-stream"})

router = Router(prefix="/experiments", tags=["portable"])


@router.get("/{experiment_id}/portable", responses=gives({MEDIA_TYPE: BYTES}))
def export_portable(experiment_id: ExperimentId, nothing: NoParameters, database: Db) -> Response:
    """The experiment's spec and every result of it as one file, streamed."""
    experiments.experiment(database, experiment_id)  # a 404 before the answer begins
    name = f'attachment; filename="experiment-{experiment_id}.phaselab"'
    headers = {"Content-Disposition": name}
    return StreamingResponse(export_experiment(database, experiment_id), media_type=MEDIA_TYPE, headers=headers)


async def _file(request: Request, configuration: ConfigurationOf) -> AsyncIterator[BinaryIO]:
    """The body in a file without a name. Raises Problem: 415 for another type, 413 when it is over the limit,
    408 when it comes too slowly."""
    kind = media_type(request)
    if kind not in TYPES:
        raise Problem(415, f"the content type {kind} is not read here; send {MEDIA_TYPE}")
    remedy = "the server's PHASELAB_MAX_IMPORT_BYTES sets it"
    digest = hashlib.sha256()
    with _nameless_file() as file:
        async for piece in body_pieces(request, configuration.max_import_bytes, configuration.body_seconds, remedy):
            _add(file, piece)
            digest.update(piece)
        file.seek(0)
        request.state.digest = digest.hexdigest()
        yield file


def _nameless_file() -> BinaryIO:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise _no_room(error) from None


def _add(file: BinaryIO, piece: bytes) -> None:
    try:
        if file.write(piece) < len(piece):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise _no_room(error) from None


def _no_room(error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    detail = f"the server's folder for temporary files cannot take this file ({reason}); nothing was stored"
    return Problem(507, detail, headers={"Retry-After": "60"})


@router.post(
    "/import",
    status_code=201,
    responses=gives(json_content(MERGED), 201, ("Location",)) | gives(json_content(MERGED)) | fails(507),
    openapi_extra=takes({MEDIA_TYPE: BYTES}),
)
def import_portable(
    request: Request,
    nothing: NoParameters,
    file: Annotated[BinaryIO, Depends(_file)],
    database: Db,
    configuration: ConfigurationOf,
    account: Account,
    owner: Owner,
) -> Response:
    """Merge an experiment's file: 201 and Location for an experiment that is new here, 200 for one that was merged
    before. Results that are here already stay; `conflicts` names those that the file gives otherwise. Unless the
    account is `trusted`, what is new stands apart, for this experiment alone."""
    trusted = account is None or account.name in configuration.import_trusted
    merged = import_experiment(database, file, owner, configuration.limits, trusted, configuration.quotas)
    location = f"{request.url.path.removesuffix('/import')}/{merged.experiment_id}"
    return json_answer(MERGED, merged, 201 if merged.created else 200, {"Location": location})

"""Descriptions that many rows share, each stored once: what computed a run, and which measures it was given."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from phaselab.db.schema.tables import measure_lists, provenances
from phaselab.domain.results.summaries import MeasureList

Provenance = tuple[tuple[str, str], ...]
"""What computed a run, sorted by name."""
Description = TypeVar("Description", Provenance, MeasureList)


def provenance_ids(session: Session, given: Iterable[Provenance]) -> Mapping[Provenance, int]:
    """The id of each distinct provenance; new ones are stored."""
    return _ids(session, provenances, given, dict)


def measure_list_ids(session: Session, given: Iterable[MeasureList]) -> Mapping[MeasureList, int]:
    """The id of each distinct list; new ones are stored."""
    return _ids(session, measure_lists, given, list)


def read_measure_lists(session: Session) -> Mapping[int, MeasureList]:
    """Every list by its id. There is one for each catalogue of measures that there has been, and for each part of one
    that a family or a source has."""
    rows = session.execute(select(measure_lists.c.id, measure_lists.c.content)).all()
    return {list_id: tuple(content) for list_id, content in rows}


def _ids(
    session: Session, table: Table, given: Iterable[Description], stored_as: Callable[[Description], Any]
) -> dict[Description, int]:
    ids: dict[Description, int] = {}
    for description in set(given):
        digest = _digest(description)
        known = session.execute(select(table.c.id).where(table.c.digest == digest)).scalar_one_or_none()
        if known is None:
            row = {"digest": digest, "content": stored_as(description)}
            known = session.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
        ids[description] = known
    return ids


@lru_cache(maxsize=1000)
def _digest(description: Provenance | MeasureList) -> str:
    return hashlib.sha256(json.dumps(description).encode()).hexdigest()

"""Settings as rows: each canonical text once, known again by its digest."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import chunks
from phaselab.db.schema.tables import settings
from phaselab.domain.settings.runs import settings_digest


def read_settings(session: Session, settings_ids: Sequence[int]) -> Mapping[int, str]:
    """Canonical texts of settings by their ids."""
    texts: dict[int, str] = {}
    # Sent as one parameter, few ids among few settings would make SQLite read every text.
    for some in chunks(settings_ids):
        query = select(settings.c.id, settings.c.canonical).where(settings.c.id.in_(some))
        texts |= dict(session.execute(query).all())
    return texts


def rewrite(session: Session, settings_id: int, text: str) -> int:
    """The row of settings that are to be written as `text` from now on: the given one, so that everything that names
    it follows; or another one that holds this text already, to which the rest must be moved."""
    digest = settings_digest(text)
    there = session.execute(select(settings.c.id).where(settings.c.digest == digest)).scalar_one_or_none()
    if there is not None:
        return int(there)
    written = {"digest": digest, "canonical": text}
    session.execute(update(settings).where(settings.c.id == settings_id).values(written))
    return settings_id

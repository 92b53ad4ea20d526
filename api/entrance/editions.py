"""If-Match: a change is made to what was seen, or not at all."""

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Header

from phaselab.domain.settings.faults import Fault, InvalidInput, pointer

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
_EDITION = re.compile(r'(?<!W/)"([0-9]{1,18})"')


def edition_headers(edition: int) -> dict[str, str]:
    """What an answer says of the edition that it shows: its strong tag. It stays while results land, so that nobody may
    take it for a tag of the bytes: caches always ask again, and get all of it."""
    return {"ETag": f'"{edition}"', "Cache-Control": "no-cache"}


async def seen_editions(
    if_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> frozenset[int] | None:
    """The editions that a change is for; None for whatever is there. Weak tags, and those that were never given, are
    of none (RFC 9110, 13.1.1). Raises InvalidInput."""
    if if_match is None or if_match.strip() == "*":
        return None
    if not _TAGS.fullmatch(if_match):
        detail = 'this is * or what an answer gave as its ETag, such as "3", several with commas between'
        raise InvalidInput([Fault(pointer("if-match"), detail)])
    return frozenset(map(int, _EDITION.findall(if_match)))


def form_edition(fields: Mapping[str, str]) -> frozenset[int] | None:
    """The edition that somebody saw who sent a form; None where the form does not say."""
    text = fields.get("edition", "")
    return frozenset({int(text)}) if text.isascii() and text.isdigit() and len(text) < 19 else None


Seen = Annotated[frozenset[int] | None, Depends(seen_editions)]

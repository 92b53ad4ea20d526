"""What schemathesis is told of bodies that it does not know: loaded by it, as SCHEMATHESIS_HOOKS says."""

import gzip
import json
from typing import Any

import schemathesis  # type: ignore[import-not-found,unused-ignore]


@schemathesis.serializer("application/gzip")  # type: ignore[untyped-decorator,unused-ignore]
def portable(context: Any, value: Any) -> bytes:
    """A file as an experiment's is: gzip over lines of JSON."""
    if isinstance(value, bytes):
        return value
    lines = value if isinstance(value, list) else [value]
    return gzip.compress("\n".join(json.dumps(line, default=str) for line in lines).encode(errors="replace"))

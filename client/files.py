"""Files that answers are saved in: the suffix says the format, and a file is there whole or not at all."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from phaselab.client.errors import Invalid

PICTURES = ("png", "svg", "pdf")
TABLES = ("csv", "parquet")


def picture_format(file: str | Path) -> str:
    """`png`, `svg` or `pdf`. Raises Invalid for another suffix."""
    return _format(file, PICTURES)


def table_format(file: str | Path, pictures: bool = False) -> str:
    """`csv` or `parquet`, or with `pictures` also `json` or that of a picture. Raises Invalid for another suffix."""
    return _format(file, (*TABLES, "json", *PICTURES) if pictures else TABLES)


def export_format(file: str | Path) -> str:
    """`csv`, `parquet` or `phaselab`. Raises Invalid for another suffix."""
    return _format(file, (*TABLES, "phaselab"))


@contextmanager
def opened(file: str | Path) -> Iterator[BinaryIO]:
    """A file to read. Raises Invalid when it cannot be read."""
    with ExitStack() as open_files:
        try:
            content = open_files.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise Invalid(f"{file} cannot be read: {error.strerror or type(error).__name__}", 400) from None
        yield content


def _format(file: str | Path, known: tuple[str, ...]) -> str:
    suffix = Path(file).suffix.lower().removeprefix(".")
    if suffix not in known:
        raise Invalid(f"{file} must end in {', '.join('.' + one for one in known)}: that says what to write", 400)
    return suffix


def free(file: str | Path, overwrite: bool = False) -> Path:
    """The file, which may be written. Raises Invalid for one that is there, unless it may be overwritten."""
    if not overwrite and Path(file).exists():
        raise Invalid(f"{file} is there already, and stays as it is", 409)
    return Path(file)


def made(file: str | Path, make: Callable[[BinaryIO], None], overwrite: bool = False) -> Path:
    """Write what `make` makes to the file. Raises Invalid when it cannot be written, or is there and must stay."""
    content = BytesIO()
    make(content)
    return written(free(file, overwrite), [content.getvalue()])


def written(file: str | Path, chunks: Iterable[bytes]) -> Path:
    """Write the chunks to the file, by way of a file beside it. Raises Invalid when it cannot be written."""
    path = Path(file)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with beside.open("wb") as out:
                for chunk in chunks:
                    out.write(chunk)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror or type(error).__name__}", 400) from None
    return path

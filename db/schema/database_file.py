"""The file of a SQLite database: made for its owner alone, and watched, for what goes
into a file that was removed is lost."""

import os
from pathlib import Path

from phaselab.db.schema.away import DatabaseLost, NoDatabase

OWNER_ALONE = 0o600
_OTHERS = 0o007


class DatabaseFile:
    """The file at a path: as it is there, or made now if that is told. Raises NoDatabase where there is none."""

    def __init__(self, path: Path, creates: bool) -> None:
        self.path = path
        if creates:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._create()
        elif not path.is_file():
            raise NoDatabase(
                f"there is no database at {path}: go to the folder that the service runs in, or set"
                " PHASELAB_DATABASE_URL; `phaselab serve` and `phaselab db upgrade` make a new one"
            )
        self._identity = self._found()

    def insist(self) -> None:
        """Raises DatabaseLost unless the file is the one that it was."""
        if self._found() != self._identity:
            raise DatabaseLost(
                "the database's file was removed or replaced while the service runs, so nothing more is stored; put it"
                " back, or start the service again"
            )

    def _create(self) -> None:
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ALONE))
        except FileExistsError:
            _close_to_others(self.path)
        except OSError as error:
            raise NoDatabase(f"the database {self.path} cannot be made: {error.strerror}") from None

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _close_to_others(path: Path) -> None:
    """Take from others what older versions gave them: reading the results, and the hashes of tokens."""
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        try:
            mode = file.stat().st_mode
            if mode & _OTHERS:
                file.chmod(mode & ~_OTHERS)
        except OSError:  # another user's, who may let others read it; or none
            continue

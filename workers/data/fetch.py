"""Downloads of the image data sets, checked by length and sha256 before anything is put in its place."""

import hashlib
import http.client
import tarfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.error import URLError

from phaselab.workers.data.data_files import DOWNLOADS, FILES, DataFault, DataFile, Download, expected, folder_of
from phaselab.workers.data.image_sets import usable

TIMEOUT_SECONDS = 30.0
CHUNK = 2**20

Tell = Callable[[str], None]


def fetch(source: str, tell: Tell, downloads: Mapping[str, Sequence[Download]] = DOWNLOADS) -> None:
    """Download the files of a source that are not there or not usable.

    Raises DataFault when no address serves a right file.
    """
    folder = folder_of(source)
    for download in downloads[source]:
        wanted = download.inside or (download.file.name,)
        if all(usable(source, name) for name in wanted):
            tell(f"{source}: {', '.join(wanted)}: there already")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = _download(source, download, folder, tell)
        if download.inside:
            _unpack(path, download.inside, folder)
            path.unlink()
        tell(f"{source}: {', '.join(wanted)}: downloaded and checked")


def _download(source: str, download: Download, folder: Path, tell: Tell) -> Path:
    """The file, from the first address that serves it whole."""
    file, faults = download.file, []
    part = folder / f"{file.name}.part"
    for url in download.urls:
        tell(f"{source}: {url} ({file.size:,} bytes)")
        try:
            found = _save(url, file, part)
        except (URLError, OSError, http.client.HTTPException) as error:
            faults.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        if found == (file.size, file.sha256):
            return part.replace(folder / file.name)
        faults.append(f"{url} serves {found[0]} bytes with sha256 {found[1]}")
    part.unlink(missing_ok=True)
    missing = [known for known in FILES[source] if known.name in (download.inside or (file.name,))]
    by_hand = "; ".join(expected(source, known) for known in missing) if missing else ""
    raise DataFault(
        f"{source}: {file.name} could not be downloaded: {'; '.join(faults)}. Without a network, put the files into"
        f" {folder} by hand. {by_hand}"
    )


def _save(url: str, file: DataFile, part: Path) -> tuple[int, str]:
    """Save what an address serves; its length and sha256. A longer file than expected is cut off."""
    total, digest = 0, hashlib.sha256()
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, part.open("wb") as into:
        while total <= file.size and (chunk := answer.read(CHUNK)):
            into.write(chunk)
            digest.update(chunk)
            total += len(chunk)
    return total, digest.hexdigest()


def _unpack(archive: Path, names: Sequence[str], folder: Path) -> None:
    """The named files of a tar archive, without the folders that they lie in."""
    with tarfile.open(archive) as packed:
        for member in packed:
            name = Path(member.name).name
            content = packed.extractfile(member) if name in names and member.isfile() else None
            if content is not None:
                part = folder / f"{name}.part"
                part.write_bytes(content.read())
                part.replace(folder / name)

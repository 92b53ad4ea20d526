"""SQLite on a network file system loses data, for its locks do not hold there; so it is refused."""

from pathlib import Path

from phaselab.domain.settings.faults import OperatorFault

NETWORK_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smbfs",
        "smb2",
        "smb3",
        "afs",
        "ncpfs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
        "gpfs",
        "9p",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.davfs2",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.gcsfuse",
    ]
)
"""File system types, as the kernel names them, that other machines can write to."""


class NetworkFileSystem(OperatorFault):
    """The database file lies on a network file system."""


def refuse_network_files(path: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """Raises NetworkFileSystem when `path` lies on a network file system; unknown where there is no mount table."""
    if not mounts.exists():
        return
    system = file_system(path, mounts.read_text(encoding="utf-8", errors="replace"))
    if system in NETWORK_FILE_SYSTEMS:
        raise NetworkFileSystem(
            f"{path} lies on a network file system ({system}), where SQLite's locks do not hold and data gets lost:"
            " put it on a local disk, or set PHASELAB_DATABASE_URL to a PostgreSQL server"
        )


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path`, by a mount table in the format of /proc/mounts."""
    best, system = "", ""
    resolved = path.resolve()
    for line in mounts.splitlines():
        fields = line.split()
        place = fields[1].replace("\\040", " ")
        if resolved.is_relative_to(place) and len(place) >= len(best):
            best, system = place, fields[2]
    return system

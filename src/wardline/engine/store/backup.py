"""Backup and restore of a data folder: a consistent copy while everything goes on, and the way back.

    backup(journal, Path("/backup/2026-11-21"), now_us)      # the folder must not exist yet, or be empty
    restore(Path("/backup/2026-11-21"), Path("/var/lib/wardline"))
    migrate(Path("/var/lib/wardline"))                  # (1, 1): schema version before and after

What is copied: the journal and the vault (journal.db, as of one moment, with everything that was appended before; on a database server only
the note that names it, and its own tools save the rows: `engine.servers.tools`), the subjects' keys, the snapshots of the states, and the folder key unless it is kept elsewhere. `manifest.json` names every file with its size and SHA-256 (FIPS
180-4); restoring checks them first and refuses a copy that does not match. Whoever holds a backup with its folder key can read the vault.
"""

import contextlib
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec

from wardline.base.storage import DiskFiles, Folder, StorageDamaged, StorageError
from wardline.engine.servers.address import Address
from wardline.engine.servers.note import read_note
from wardline.engine.sql import schema
from wardline.engine.sql.index import Index
from wardline.engine.sql.indices import ELSEWHERE, EMBEDDED
from wardline.engine.store.journal import Journal

MANIFEST = "manifest.json"
# The database, then everything else that belongs to the data; the commit log is empty in a backup, the lock belongs to a process.
COPIED_FOLDERS = ("keys", "snapshots", "policies", "models", "lists", "history")


class Copied(msgspec.Struct, frozen=True):
    """One file of a backup."""

    name: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. last_seq: the newest record in it; taken_us: microseconds since the epoch.

    kind, database: of the database server that has the records, which are then not in the backup; empty when the journal is embedded.
    """

    schema_version: int
    last_seq: int
    taken_us: int
    files: list[Copied]
    kind: str = ""
    database: str = ""


def backup(journal: Journal, target: Path, taken_us: int) -> Manifest:
    """Copy a running journal's folder. Blocks: not for event-loop threads. Raises StorageError when the target is in use, OSError."""
    try:
        if target.exists() and any(target.iterdir()):
            raise StorageError("the backup's folder is not empty", str(target), "Give a new folder for every backup.")
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the backup's folder cannot be made: {error.strerror}", str(target), "Give a new folder where the server's user may write."
        ) from None
    last_seq = journal.copy_database(target)
    # Keys after the database: a key that is newer than the rows does no harm, a row without its key could not be read.
    for name in COPIED_FOLDERS:
        for path in sorted((journal.folder.path / name).rglob("*")):
            # A snapshot that is being replaced at this moment has another name by now; the one that took its place is newer than the copy.
            if path.is_file() and path.suffix != ".new":
                with contextlib.suppress(FileNotFoundError):
                    _copy(path, target / path.relative_to(journal.folder.path))
    files = [_described(target, path) for path in sorted(target.rglob("*")) if path.is_file()]
    note = read_note(Folder(target, DiskFiles(), None))
    kind, where = (note.kind, note.where) if note is not None else ("", "")
    manifest = Manifest(schema.SCHEMA_VERSION, last_seq, taken_us, files, kind, where)
    Folder(target, DiskFiles(), None).write_atomic(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return manifest


def check(source: Path) -> Manifest:
    """A backup's manifest, after every file was compared with it. Raises StorageDamaged for what is missing or differs."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StorageDamaged(
            f"this is no complete backup: {error}", str(source / MANIFEST), "Choose a folder that `wardline backup` finished."
        ) from error
    for copied in manifest.files:
        path = source / copied.name
        if not path.resolve().is_relative_to(source.resolve()) or not path.is_file() or _described(source, path) != copied:
            raise StorageDamaged("a file of the backup is missing or differs from its checksum", str(path), "Choose another backup.")
    return manifest


def restore(source: Path, target: Path) -> Manifest:
    """Put a checked backup into a data folder that holds no journal yet. Raises StorageError, StorageDamaged, StorageLocked."""
    manifest = check(source)
    with Folder.open(target) as folder:
        # On a database server the note that names the database stands for the journal.
        last = next((name for name in (EMBEDDED, ELSEWHERE) if (source / name).exists()), EMBEDDED)
        if any((target / name).exists() for name in (EMBEDDED, ELSEWHERE)):
            raise StorageError("the data folder holds a journal already", str(target), "Move it away first, or restore into a new folder.")
        for copied in manifest.files:
            if copied.name != last:
                _copy(source / copied.name, target / copied.name)
        # Last: a folder without it counts as empty, so that a restore that was cut short can simply be repeated.
        _copy(source / last, target / f"{last}.new")
        folder.files.replace(target / f"{last}.new", target / last)
        folder.files.sync_folder(target)
    return manifest


def migrate(path: Path, address: Address | None = None) -> tuple[int, int]:
    """Bring a data folder's tables to this program's schema version; gives (before, after). Opening the journal does the same.

    address: of the database server that has them.
    """
    with Folder.open(path) as folder:
        if address is not None:
            if read_note(folder) is None:
                raise StorageError(
                    "this folder has no database on a server",
                    str(path),
                    "Choose the data folder with --data, or leave store.database empty.",
                )
            from wardline.engine.servers.link import Link

            with closing(Link(address)) as link:
                return link.open()
        if folder.files.exists(path / ELSEWHERE):
            raise StorageError(
                "the journal of this data folder is in a database server", str(path / ELSEWHERE), "Give its address as store.database."
            )
        if not (path / "journal.db").exists():
            raise StorageError("there is no journal in this folder", str(path), "Choose the data folder with --data.")
        with closing(sqlite3.connect(path / "journal.db")) as connection:
            found = connection.execute("SELECT value FROM facts WHERE name = 'schema_version'").fetchone()
        Index.open(path / "journal.db").close()
    return int(found[0]), schema.SCHEMA_VERSION


def _described(folder: Path, path: Path) -> Copied:
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return Copied(path.relative_to(folder).as_posix(), path.stat().st_size, digest.hexdigest())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o600)
    files = DiskFiles()
    descriptor = files.open(target)
    try:
        files.fdatasync(descriptor)
    finally:
        files.close(descriptor)
    files.sync_folder(target.parent)

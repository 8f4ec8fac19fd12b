"""The note in a data folder that names its database on a server: DATA/database.json.

    write_note(folder, Note("postgresql", "db.example.com/wardline", number, 120_000))
    read_note(folder)                   # None: the journal is embedded, or there is none yet

A data folder and its database belong together (`engine.servers.index`). Read without loading anything that speaks to a server.
"""

import msgspec

from wardline.base.storage import Folder, StorageDamaged
from wardline.engine.sql.indices import ELSEWHERE


class Note(msgspec.Struct, frozen=True):
    """DATA/database.json: which database belongs to the folder. id: drawn once; seq: how far its records were known to go."""

    kind: str
    where: str
    id: int
    seq: int


def write_note(folder: Folder, note: Note) -> None:
    """Make a database the folder's."""
    folder.write_atomic(ELSEWHERE, written(note))


def read_note(folder: Folder) -> Note | None:
    """Which database the folder has; None when it has none. Raises StorageDamaged."""
    data = folder.read(ELSEWHERE)
    try:
        return msgspec.json.decode(data, type=Note) if data is not None else None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StorageDamaged(
            f"the note that names the database cannot be read: {error}", str(folder.path / ELSEWHERE), "Put it back from a backup."
        ) from None


def written(note: Note) -> bytes:
    """The note as it is stored."""
    return msgspec.json.format(msgspec.json.encode(note)) + b"\n"

"""The last good version of every source's file, kept beside the data, so that a broken download and a restart together lose nothing.

    kept = LastGood(data / "sources-kept")
    kept.remember(source, loaded)                 # after a version was taken: a copy, and how many entries it had
    kept.entries("tor-exits")                     # 1243; 0 when nothing is kept
    kept.again(source)                            # the same source, with the copy as its file; None when there is none

Only single files are kept, up to 256 MB, and only while there is room. Whatever goes wrong here is passed over: it is a second safety, not the first.
"""

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from wardline.sources.declaration import Source
from wardline.sources.loading import Loaded, stamp_of_source
from wardline.sources.reading import Stamp

SIZE_LIMIT_BYTES = 256 << 20
FREE_BYTES = 256 << 20  # left on the disk after a copy


class _Note(msgspec.Struct):
    """What is known of a kept copy. suffix: of its name, since the name tells the format."""

    kind: str
    form: str
    suffix: str
    entries: int
    stamp: Stamp


class LastGood:
    """A folder with copies; made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def remember(self, source: Source, loaded: Loaded) -> None:
        """Keep a copy of the file that was just taken, unless it is kept already or has changed since."""
        with contextlib.suppress(OSError):
            path = Path(source.path)
            known = self._note(source.name)
            if not source.path or not path.is_file() or (known is not None and known.stamp == loaded.stamp):
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            if loaded.stamp.size > SIZE_LIMIT_BYTES or shutil.disk_usage(self.folder).free < loaded.stamp.size + FREE_BYTES:
                return
            suffix = "".join(Path(path.name).suffixes[-2:]) if path.suffix == ".gz" else path.suffix
            new = self.folder / f".{source.name}.new"
            shutil.copy2(path, new)
            if stamp_of_source(source) != loaded.stamp:
                new.unlink()
                return
            new.replace(self.folder / f"{source.name}{suffix}")
            note = _Note(source.kind, source.form, suffix, loaded.notes.entries, loaded.stamp)
            new.write_bytes(msgspec.json.encode(note))
            new.replace(self._place(source.name))

    def entries(self, name: str) -> int:
        """How many entries the kept version had."""
        note = self._note(name)
        return note.entries if note else 0

    def again(self, source: Source) -> Source | None:
        """The source as of its kept copy; None when there is none of this kind and format."""
        note = self._note(source.name)
        if note is None or (note.kind, note.form) != (source.kind, source.form):
            return None
        path = self.folder / f"{source.name}{note.suffix}"
        return msgspec.structs.replace(source, path=str(path), format=note.form) if os.access(path, os.R_OK) else None

    def _place(self, name: str) -> Path:
        return self.folder / f"{name}.kept.json"

    def _note(self, name: str) -> _Note | None:
        try:
            return msgspec.json.decode(self._place(name).read_bytes(), type=_Note)
        except (OSError, msgspec.DecodeError):
            return None

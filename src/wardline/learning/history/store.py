"""The history's files: written whole, named by the manifest, rewritten where a person is forgotten.

    history = History(data / "history")
    with history.writing() as manifest:        # one writer at a time; `compaction` is the one that brings new records
        history.commit(manifest, [history.write(manifest, "login", "2026-11-21", table)])
    history.forget("account:5f2c…")            # rows that name the pseudonym are gone from every file, old bytes overwritten
    history.expire(before_us)                  # retention, by the time at which a record was made

Order of every change: new files (written, synced, renamed), then the manifest, then the old files are overwritten. Two locks keep
strangers apart: `writing` (one process or thread compacts, forgets or expires at a time) and `reading` (shared; a file that somebody
reads is not overwritten until they are done).
"""

import contextlib
import fcntl
import hashlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wardline.base.storage import DiskFiles, Files, StorageBusy, StorageDamaged, overwrite, read_whole, write_atomic
from wardline.learning.history.columns import OWN
from wardline.learning.history.manifest import FILE, VERSION, Manifest, Part, file_name

ROW_GROUP_ROWS = 122_880
# Files below this many rows are merged once so many of them lie in one day and type.
MERGE_ROWS = 500_000
MERGE_FILES = 8
# Longer than a backtest may take: whoever forgets waits for it.
LOCK_SECONDS = 330.0
DAY_US = 86_400_000_000
# Nearly unique or rising: a dictionary would cost more than it saves.
_ENCODINGS = {
    "_seq": "DELTA_BINARY_PACKED",
    "_occurred_us": "DELTA_BINARY_PACKED",
    "_recorded_us": "DELTA_BINARY_PACKED",
    "_id": "DELTA_BYTE_ARRAY",
}


class History:
    """See the module. `path` is the folder, made at the first writing."""

    def __init__(self, path: Path, files: Files | None = None, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self.path = path
        self.files = files if files is not None else DiskFiles()
        self.lock_seconds = lock_seconds

    # The manifest

    def manifest(self) -> Manifest:
        """What counts now; empty for a folder where nothing was written. Raises StorageDamaged when it is missing or unreadable."""
        where = self.path / FILE
        try:
            found = msgspec.json.decode(read_whole(self.files, where), type=Manifest)
        except FileNotFoundError:
            if any(True for _ in self._stored()):
                raise self._damaged("the manifest is missing, and files of the history are there") from None
            return Manifest()
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise self._damaged(f"the manifest cannot be read: {error}") from None
        if found.version != VERSION:
            raise StorageDamaged(
                f"the history has version {found.version}, this program knows {VERSION}", str(where), "Use the newer program."
            )
        return found

    def _damaged(self, what: str) -> StorageDamaged:
        return StorageDamaged(what, str(self.path / FILE), "Write the history anew from the journal: wardline compact --rebuild.")

    def _put(self, manifest: Manifest) -> None:
        write_atomic(self.files, self.path / FILE, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")

    def _stored(self) -> Iterator[Path]:
        """Every Parquet file that lies in the folder, named by the manifest or not."""
        if not self.files.exists(self.path):
            return
        for day in self.files.names(self.path):
            if len(day) == 10 and day[4:5] == "-":
                for name in self.files.names(self.path / day):
                    yield self.path / day / name

    # Locks

    @contextlib.contextmanager
    def _lock(self, name: str, how: int, seconds: float | None = None) -> Iterator[None]:
        wait_seconds = self.lock_seconds if seconds is None else seconds
        self.files.make_folder(self.path)
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + wait_seconds
            while True:
                try:
                    fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise StorageBusy(
                            f"somebody else uses the history for more than {wait_seconds:.0f} s", str(self.path / name), "Try again."
                        ) from None
                    time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Manifest]:
        """One writer at a time; gives the manifest, what a crash left behind removed. Raises StorageBusy, StorageDamaged."""
        with self._lock("writing.lock", fcntl.LOCK_EX):
            manifest = self.manifest()
            self._sweep(manifest)
            yield manifest

    @contextlib.contextmanager
    def reading(self) -> Iterator[Manifest]:
        """Files of the manifest that this gives stay as they are while the block lasts."""
        with self._lock("reading.lock", fcntl.LOCK_SH):
            yield self.manifest()

    def _sweep(self, manifest: Manifest, *, wait: bool = False) -> None:
        """Overwrite and remove files that do not count. wait: for readers; otherwise what they hold stays for the next writer."""
        counted = {self.path / part.name for part in manifest.files}
        stray = [path for path in self._stored() if path not in counted]
        if not stray:
            return
        try:
            with self._lock("reading.lock", fcntl.LOCK_EX, None if wait else 0):
                for path in stray:
                    overwrite(self.files, path)
        except StorageBusy:
            if wait:
                raise

    # Writing

    def write(self, manifest: Manifest, type: str, day: str, table: pa.Table) -> Part:
        """One new file, durable and sorted; it counts once the manifest names it. Under `writing`."""
        table = table.sort_by([("_occurred_us", "ascending"), ("_seq", "ascending")])
        if "_other" in table.schema.names and table["_other"].null_count == len(table):
            table = table.drop_columns(["_other"])
        buffer = io.BytesIO()
        pq.write_table(
            table,
            buffer,
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS,
            use_dictionary=[name for name in table.schema.names if name not in _ENCODINGS],
            column_encoding={name: encoding for name, encoding in _ENCODINGS.items() if name in table.schema.names},
            dictionary_pagesize_limit=8 << 20,
            write_statistics=["_seq", "_occurred_us", *(f.name for f in table.schema if pa.types.is_floating(f.type))],
        )
        data = buffer.getvalue()
        seqs, times, recorded = (pc.min_max(table[name]).as_py() for name in ("_seq", "_occurred_us", "_recorded_us"))
        manifest.written += 1
        part = Part(
            name=file_name(type, day, seqs["min"], seqs["max"], manifest.written),
            type=type,
            day=day,
            rows=len(table),
            first_seq=seqs["min"],
            last_seq=seqs["max"],
            first_us=times["min"],
            last_us=times["max"],
            first_recorded_us=recorded["min"],
            last_recorded_us=recorded["max"],
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            columns=table.schema.names,
        )
        self.files.make_folder((self.path / part.name).parent)
        write_atomic(self.files, self.path / part.name, data)
        return part

    def commit(self, manifest: Manifest, new: Iterable[Part], gone: Iterable[Part] = ()) -> None:
        """Make new files count and old ones not, in one step; the old ones are then swept away. Under `writing`."""
        names = {part.name for part in gone}
        manifest.files = [part for part in manifest.files if part.name not in names] + list(new)
        self._put(manifest)
        if names:
            self._sweep(manifest)

    def read(self, part: Part, names: list[str] | None = None) -> pa.Table:
        """A file's rows. Raises StorageDamaged for a file that is missing, cut short or not what was written."""
        try:
            data = read_whole(self.files, self.path / part.name)
            if hashlib.sha256(data).hexdigest() != part.sha256:
                raise ValueError("its checksum does not match")
            return pq.read_table(pa.BufferReader(data), columns=names, partitioning=None)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StorageDamaged(
                f"a file of the history cannot be read: {error}",
                str(self.path / part.name),
                "Write the history anew from the journal: wardline compact --rebuild.",
            ) from None

    def merge(self, manifest: Manifest) -> int:
        """Put small files of one day and type together where there are many. Gives how many went. Under `writing`."""
        groups: dict[tuple[str, str], list[Part]] = {}
        for part in manifest.of_type(None):
            if part.rows < MERGE_ROWS:
                groups.setdefault((part.type, part.day), []).append(part)
        count = 0
        for (type, day), parts in groups.items():
            if len(parts) < MERGE_FILES:
                continue
            chosen: list[Part] = []
            for part in parts:
                if sum(p.rows for p in chosen) + part.rows > MERGE_ROWS + ROW_GROUP_ROWS:
                    break
                chosen.append(part)
            if len(chosen) > 1:
                table = pa.concat_tables([self.read(part) for part in chosen], promote_options="default")
                self.commit(manifest, [self.write(manifest, type, day, ordered(table))], chosen)
                count += len(chosen)
        return count

    # Erasure and retention

    def keep(self, manifest: Manifest, part: Part, kept: Callable[[pa.Table], pa.ChunkedArray]) -> int:
        """Write a file anew with the rows for which `kept` says true. Gives how many went. Under `writing`."""
        table = self.read(part)
        rest = table.filter(kept(table))
        if len(rest) < len(table):
            new = [self.write(manifest, part.type, part.day, rest)] if len(rest) else []
            self.commit(manifest, new, [part])
        return len(table) - len(rest)

    def forget(self, pseudonym: str) -> int:
        """Remove every row that names a pseudonym in any of its columns; gives how many. Durable when it returns.

        Erase in the journal first: what is compacted afterwards then no longer has it. Raises StorageDamaged, after all other files are
        done, for a file that cannot be read; StorageBusy when somebody reads the old files for too long: ask again then.
        """
        count, unread = 0, None
        with self.writing() as manifest:
            for part in list(manifest.files):
                try:
                    count += self.keep(manifest, part, lambda table: pc.invert(naming(table, pseudonym)))
                except StorageDamaged as error:
                    unread = error
            self._sweep(manifest, wait=True)
        if unread is not None:
            raise unread
        return count

    def expire(self, before_us: int) -> int:
        """Remove rows whose record was made before a time; gives how many. A file that straddles it is rewritten once a day."""
        count = 0
        with self.writing() as manifest:
            over = [part for part in manifest.files if part.last_recorded_us < before_us]
            if over:
                self.commit(manifest, [], over)
                count += sum(part.rows for part in over)
            for part in [part for part in manifest.files if part.first_recorded_us < before_us - DAY_US]:
                count += self.keep(manifest, part, lambda table: pc.greater_equal(table["_recorded_us"], before_us))
            self._sweep(manifest, wait=True)
        return count

    def cut(self, manifest: Manifest, last_seq: int) -> int:
        """Remove rows beyond the journal's end: after an older backup was restored, their places are given anew. Under `writing`."""
        count = 0
        for part in [part for part in manifest.files if part.last_seq > last_seq]:
            count += self.keep(manifest, part, lambda table: pc.less_equal(table["_seq"], last_seq))
        manifest.compacted_seq = min(manifest.compacted_seq, last_seq)
        self._put(manifest)
        return count

    def verify(self) -> list[str]:
        """A line for each file that is missing or not what was written."""
        defects: list[str] = []
        with self.reading() as manifest:
            for part in manifest.of_type(None):
                try:
                    if self.read(part, ["_seq"]).num_rows != part.rows:
                        defects.append(f"{part.name}: the number of rows differs")
                except StorageDamaged as error:
                    defects.append(f"{part.name}: {error.what}")
        return defects

    def clear(self) -> None:
        """Remove everything, so that the next compaction writes the history anew."""
        with self._lock("writing.lock", fcntl.LOCK_EX):
            written = 0
            with contextlib.suppress(StorageDamaged):
                written = self.manifest().written
            self._put(Manifest(written=written))
            self._sweep(Manifest(), wait=True)


def ordered(table: pa.Table) -> pa.Table:
    """The decision's own columns first, `_other` last; missing ones are fine."""
    names = table.schema.names
    own = [name for name in OWN if name in names and name != "_other"]
    return table.select([*own, *sorted(name for name in names if name not in OWN), *(["_other"] if "_other" in names else [])])


def naming(table: pa.Table, pseudonym: str) -> pa.ChunkedArray:
    """For each row whether any of its texts or lists is the pseudonym, or `_other` mentions it."""
    found = pa.chunked_array([pa.array([False] * len(table))]) if len(table) else pa.chunked_array([pa.array([], pa.bool_())])
    for field in table.schema:
        column = table[field.name]
        if field.name == "_other":
            here = pc.match_substring(column, pseudonym)
        elif pa.types.is_string(field.type):
            here = pc.equal(column, pseudonym)
        elif pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type):
            rows = pc.list_parent_indices(column).filter(pc.equal(pc.list_flatten(column), pseudonym))
            here = pc.is_in(pa.array(range(len(table)), pa.int64()), value_set=pc.cast(rows.combine_chunks(), pa.int64()))
        else:
            continue
        found = pc.or_(found, pc.fill_null(here, False))
    return found

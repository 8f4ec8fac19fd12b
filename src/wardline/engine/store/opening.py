"""Opening the journal of a data folder, in whichever database the configuration names.

    journal = open_journal(Path("/var/lib/wardline"), config.store, clock)

Without `store.database` the journal is embedded: SQLite in the folder. With one, the commit log stays in the folder, larger, since records wait
there while the server is away.
"""

from pathlib import Path

from wardline.base.clock import Clock
from wardline.base.config import Store
from wardline.engine.store.commitlog import SEGMENT_BYTES
from wardline.engine.store.journal import Journal, Settings


def open_journal(data: Path, store: Store, clock: Clock, *, adopt: bool = False) -> Journal:
    """The journal of a data folder, made where it is missing. Raises StorageError.

    adopt: a new folder takes over the server's database of one that is lost.
    """
    if not store.database:
        return Journal.open(data, clock=clock, settings=Settings(min_free_bytes=store.min_free_bytes))
    from wardline.engine.servers.address import read_address
    from wardline.engine.servers.index import on_server

    # Room in the log for what may wait, and for segments that are being filled and blanked.
    limit = store.outage_bytes
    settings = Settings(min_free_bytes=store.min_free_bytes, tail_limit_bytes=limit, segments_limit=limit * 3 // 2 // SEGMENT_BYTES + 4)
    address = read_address(store.database, store.database_password_file)
    return Journal.open(data, clock=clock, settings=settings, index=on_server(address, adopt=adopt))

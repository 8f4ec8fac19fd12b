"""The database server's own tools, as an operator calls them: which command saves the journal's database, and which puts it back.

    dump_command("postgresql", "postgresql://wardline@db.example.com/wardline")
        -> "pg_dump --format=custom --file=wardline.dump postgresql://wardline@db.example.com/wardline"

Commands ask for the password, or take it from the tool's own file (~/.pgpass, ~/.my.cnf); they never contain it.
"""

from shlex import quote
from urllib.parse import unquote, urlsplit

DUMPS = {"postgresql": "wardline.dump", "mariadb": "wardline.sql"}


def dump_command(kind: str, where: str) -> str:
    """Saves the database. kind and where: as of `engine.servers.address.Address`, without the password."""
    if kind == "postgresql":
        return f"pg_dump --format=custom --file={DUMPS[kind]} {quote(where)}"
    return f"mariadb-dump --single-transaction --hex-blob --skip-add-locks --result-file={DUMPS['mariadb']} {_options(where)}"


def restore_command(kind: str, where: str) -> str:
    """Puts the dump back into an empty database."""
    if kind == "postgresql":
        return f"pg_restore --no-owner --single-transaction --dbname={quote(where)} {DUMPS[kind]}"
    return f"mariadb {_options(where)} < {DUMPS['mariadb']}"


def _options(where: str) -> str:
    parts = urlsplit(where)
    given = {"--host": parts.hostname, "--port": parts.port, "--user": unquote(parts.username or "")}
    return " ".join(
        [*(quote(f"{name}={value}") for name, value in given.items() if value), "--password", quote(unquote(parts.path.strip("/")))]
    )

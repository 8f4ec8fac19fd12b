"""Commands an operator can paste; that they work is tested with real servers in tests/journeys."""

from wardline.engine.servers.tools import dump_command, restore_command


def test_the_commands_name_the_database_and_no_password() -> None:
    where = "postgresql://wardline@db.example.com:5433/wardline"
    assert dump_command("postgresql", where) == f"pg_dump --format=custom --file=wardline.dump {where}"
    assert restore_command("postgresql", where) == f"pg_restore --no-owner --single-transaction --dbname={where} wardline.dump"
    where = "mariadb://wardline@db.example.com/mail%20records"
    options = "--host=db.example.com --user=wardline --password"
    assert dump_command("mariadb", where) == (
        f"mariadb-dump --single-transaction --hex-blob --skip-add-locks --result-file=wardline.sql {options} 'mail records'"
    )
    assert restore_command("mariadb", where) == f"mariadb {options} 'mail records' < wardline.sql"

"""The searchable side of the journal in SQL: tables, statements, and the index in SQLite; `engine.servers` has it on a database server."""

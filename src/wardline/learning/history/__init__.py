"""History: the journal's events and decisions as wide Parquet tables, for queries, backtests, training and charts.

    history = History(data / "history")
    compact(history, journal)                             # `compaction`: what the journal has and the history has not
    with Session(history, tail(history, journal)) as session:
        session.rows("SELECT count(*) FROM events", [])   # `session`: DuckDB, read-only, bounded

`columns` turns records into columns, `store` keeps the files and their manifest, `session` reads, `question` is `wardline query`.
"""

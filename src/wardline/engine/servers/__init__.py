"""The journal's index on a database server, PostgreSQL or MariaDB: address, sessions, dialects, and the server's own tools."""

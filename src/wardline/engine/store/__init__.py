"""The journal, the append-only record of everything, and what keeps it: commit log, tail, index behind it, vault, backup, recovery."""

"""Our readings of the standards of mail against other projects' published vectors."""

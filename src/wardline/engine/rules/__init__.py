"""The life of rules: as a file, in the book of versions and stages, at the desk of people, on the roster of what runs."""

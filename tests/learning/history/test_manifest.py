"""The manifest's order: the oldest day first."""

from wardline.learning.history.manifest import Manifest, Part


def part(name: str, type: str, day: str) -> Part:
    return Part(
        name=name, type=type, day=day, rows=2, first_seq=1, last_seq=2, first_us=1, last_us=2, first_recorded_us=1, last_recorded_us=2,
        size_bytes=9, sha256="", columns=[],
    )  # fmt: skip


def test_files_of_a_type_oldest_first() -> None:
    manifest = Manifest(files=[part("b", "login", "2026-11-22"), part("c", "signup", "2026-11-21"), part("a", "login", "2026-11-21")])
    assert [found.name for found in manifest.of_type("login")] == ["a", "b"] and manifest.rows == 6

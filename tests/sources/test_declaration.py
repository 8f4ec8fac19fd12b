"""Declarations of sources: right, wrong, and too many."""

from pathlib import Path

import msgspec
import pytest

from wardline.base.config import description
from wardline.sources.declaration import KINDS, SOURCES_LIMIT, Source, read_declarations, render_declaration


def write(folder: Path, text: str, name: str = "tor.toml") -> None:
    (folder / name).write_text(text, "utf-8")


def test_one_source_takes_its_name_from_its_file(tmp_path: Path) -> None:
    write(tmp_path, 'kind = "tor"\npath = "tor.txt"\nlicence = "CC0"\n')
    found, wrong = read_declarations(tmp_path)
    assert not wrong
    assert found == [Source(name="tor", kind="tor", path=str(tmp_path / "tor.txt"), licence="CC0")]


def test_several_in_one_file(tmp_path: Path) -> None:
    write(tmp_path, '[[source]]\nname = "b"\nkind = "tor"\npath = "/b"\n[[source]]\nname = "a"\nkind = "asn"\npath = "/a.mmdb"\n')
    found, wrong = read_declarations(tmp_path)
    assert [source.name for source in found] == ["a", "b"]
    assert not wrong


def test_no_folder_no_sources(tmp_path: Path) -> None:
    assert read_declarations(tmp_path / "missing") == ([], [])


@pytest.mark.parametrize(
    ("path", "kind", "form"),
    [
        ("a.mmdb", "asn", "mmdb"),
        ("a.csv.gz", "tor", "csv"),
        ("a.dat", "asn", "geoip"),
        ("a.txt", "tor", "cidr"),
        ("a.txt", "asn", "csv"),
        ("a.txt", "disposable", "domains"),
        ("a.csv", "disposable", "domains"),
    ],
)
def test_the_format_is_guessed(path: str, kind: str, form: str) -> None:
    assert Source(name="a", kind=kind, path=path).form == form


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("kind = ", "not valid TOML"),
        ("\x00", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
        ('kind = "tor"\n', "path: is empty"),
        ('path = "x"\n', "kind: '' is none"),
        ('kind = "tors"\npath = "x"\n', "kind: 'tors' is none"),
        ('kind = "tor"\npath = "x"\nformat = "mmdbx"\n', "format: 'mmdbx'"),
        ('kind = "tor"\npath = "x"\ncolour = 1\n', "colour"),
        ('kind = "tor"\npath = 5\n', "path"),
        ('kind = "tor"\npath = "x"\nmax_age_days = -1\n', "max_age_days"),
        ('kind = "tor"\npath = "x"\nfamilies = ["ipv5"]\n', "ipv5"),
        ('name = "A B"\nkind = "tor"\npath = "x"\n', "name: 'A B'"),
        ('kind = "tor"\n[[source]]\nkind = "tor"\n', "not both"),
        ("source = 5\n", "write either"),
        ('[[source]]\nname="a"\nkind="tor"\npath="x"\n[[source]]\nname="a"\nkind="tor"\npath="x"\n', "declared twice"),
        ("".join(f'[[source]]\nname="a{n}"\nkind="tor"\npath="x"\n' for n in range(SOURCES_LIMIT + 1)), "more than"),
    ],
)
def test_what_is_no_declaration(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, text)
    write(tmp_path, 'kind = "vpn"\npath = "vpn.txt"\n', "vpn.toml")
    found, wrong = read_declarations(tmp_path)
    assert "vpn" in [source.name for source in found] or "more than" in says
    assert says in wrong[0]
    assert "tor.toml" in wrong[0] or "more than" in says


def test_every_key_has_a_line_of_explanation() -> None:
    assert all(description(field.type) for field in msgspec.structs.fields(Source))
    assert render_declaration().count("\n# ") == len(msgspec.structs.fields(Source)) - 1


def test_every_kind_says_what_it_is() -> None:
    assert all(kind.says and kind.formats and kind.facts for kind in KINDS.values())

"""The configuration: defaults, errors that name the key, and a rendered file that reads back as itself."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from wardline.base.config import Config, ConfigError, load_config, render_config


def test_defaults_need_no_file() -> None:
    config = load_config(None, {})
    assert config == Config()
    assert (config.http.port, config.milter.port, config.rspamd.scan_port, config.rspamd.learn_port) == (8080, 8893, 11333, 11334)
    assert config.mail.mode == "observe"


def test_the_rendered_file_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "wardline.toml"
    path.write_text(render_config())
    assert load_config(path, {}) == Config()
    assert msgspec.convert(tomllib.loads(render_config()), Config) == Config()


def test_the_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / "wardline.toml"
    path.write_text('[mail]\nresolver = "192.0.2.53"\n')
    config = load_config(path, {"WARDLINE_RESOLVER": "off", "WARDLINE_LEARN_SECRET": "s"})
    assert (config.mail.resolver, config.rspamd.learn_secret) == ("off", "s")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[http]\nprot = 1", "prot"),
        ("[http]\nport = 99999", r"65535.*http\.port"),
        ("[http]\nport = 'x'", "http.port"),
        ("[http", "not valid TOML"),
        ("[nothing]\n", "nothing"),
        ("[mail]\nmode = 'enforced'", "mail.mode"),
        ("[mail]\nresolver = 'dns.example'", "mail.resolver"),
        ("[mail]\nresolver = '192.0.2.1:99999'", "mail.resolver"),
        ("[http]\nport = 8893", "two doors have the same port"),
        ("[http]\ntrusted_peers = ['everyone']", "http.trusted_peers"),
        ("http = 3", "http"),
        ("[outbound]\nallowed_hosts = ['https://api.example.com']", "outbound.allowed_hosts"),
        ("[outbound]\nallowed_hosts = ['*']", "outbound.allowed_hosts"),
        ("[outbound]\nallowed_networks = ['169.254.0.0/16']", "outbound.allowed_networks"),
        ("[outbound]\nallowed_networks = ['0.0.0.0/0']", "outbound.allowed_networks"),
        ("[outbound]\nallowed_networks = ['everyone']", "outbound.allowed_networks"),
        ("[sources]\nrefresh_seconds = 0", "sources.refresh_seconds"),
    ],
)
def test_errors_name_the_key(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "wardline.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=part) as error:
        load_config(path, {})
    assert str(path) in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml", {})


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "wardline.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(path, {})

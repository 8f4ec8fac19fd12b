"""The configuration: one TOML file, every key with a default and a line of explanation.

    [http]
    port = 8080
    [mail]
    protected_brands = ["example.com"]

Read into msgspec structs: an unknown key, a wrong type or a value out of range is an error that names the file, the key and what to do.
`wardline config show` prints the whole file with its defaults; the lines of explanation there are the `doc` entries here, so that they
cannot differ. Environment: WARDLINE_DATA, WARDLINE_LEARN_SECRET, WARDLINE_OUTBOX_SECRET and WARDLINE_RESOLVER override their keys.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta


class ConfigError(ValueError):
    """A configuration that cannot be used: which file, which key, what to do."""


def _doc(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class Http(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP API."""

    host: Annotated[str, _doc("address to listen on; leave it on loopback unless a reverse proxy with TLS stands in front")] = "127.0.0.1"
    port: Annotated[int, _doc("port of the HTTP API; 0 closes this door", ge=0, le=65535)] = 8080
    body_limit_bytes: Annotated[int, _doc("largest request body; a message above it is refused with 413", ge=1024, le=1 << 30)] = 64 << 20
    concurrency: Annotated[int, _doc("requests worked on at once; one more gets 429 with Retry-After", ge=1, le=100_000)] = 512
    trusted_peers: Annotated[tuple[str, ...], _doc("networks whose requests need no API key for the scopes below")] = (
        "127.0.0.0/8",
        "::1/128",
    )
    trusted_scopes: Annotated[
        tuple[str, ...], _doc("what a trusted peer may do without a key; learning and administration always need one")
    ] = ("decide", "read")


class Milter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The milter door for Postfix and Sendmail."""

    host: Annotated[str, _doc("address to listen on")] = "127.0.0.1"
    port: Annotated[int, _doc("port of the milter; 0 closes this door", ge=0, le=65535)] = 8893
    peers: Annotated[tuple[str, ...], _doc("networks of the mail servers that are served; anybody else is hung up on")] = (
        "127.0.0.0/8",
        "::1/128",
    )
    connections: Annotated[
        int, _doc("connections at once; one more is closed, and the mail server's own default applies", ge=1, le=10_000)
    ] = 200
    timeout_seconds: Annotated[
        float, _doc("a connection that is silent for so long is closed; a mail server is silent while its own client is", gt=0, le=86_400)
    ] = 7200.0
    body_limit_bytes: Annotated[int, _doc("bytes of a message kept; of a larger one its head and tail are read", ge=65536, le=1 << 30)] = (
        16 << 20
    )
    id_header: Annotated[
        bool, _doc("add a signed X-Wardline-Id in tag and enforce mode, so that a message moved later finds its decision")
    ] = True


class Rspamd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rspamd protocol: a scan port that never learns, and a learning port behind a secret."""

    host: Annotated[str, _doc("address to listen on")] = "127.0.0.1"
    scan_port: Annotated[int, _doc("port of /checkv2; 0 closes this door", ge=0, le=65535)] = 11333
    learn_port: Annotated[int, _doc("port of /learnspam and /learnham; 0 closes this door", ge=0, le=65535)] = 11334
    trusted_peers: Annotated[tuple[str, ...], _doc("networks whose User, IP, From, Rcpt and Helo headers are believed")] = (
        "127.0.0.0/8",
        "::1/128",
    )
    learn_secret: Annotated[str, _doc("secret of the learning port; empty closes it. Better given as $WARDLINE_LEARN_SECRET")] = ""


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mail itself."""

    host_name: Annotated[str, _doc("our name in Authentication-Results and Received; incoming fields that claim it are removed")] = (
        "wardline.invalid"
    )
    mode: Annotated[Literal["observe", "tag", "enforce"], _doc("mode of a fresh data folder; afterwards `wardline mode` decides")] = (
        "observe"
    )
    policy: Annotated[str, _doc("policy file; empty means the shipped one")] = ""
    starter: Annotated[str, _doc("starter model file; empty means the shipped one")] = ""
    protected_brands: Annotated[tuple[str, ...], _doc("your own domains and brands: lookalikes of them are looked for first")] = ()
    protected_people: Annotated[tuple[str, ...], _doc("display names of people who are often impersonated, such as your director")] = ()
    local_domains: Annotated[tuple[str, ...], _doc("domains whose mail you host")] = ()
    resolver: Annotated[str, _doc("DNS server for SPF, DKIM, DMARC and ARC: off, or address:port; $WARDLINE_RESOLVER overrides it")] = "off"
    dns_timeout_ms: Annotated[
        int, _doc("all DNS questions of one message together; a question without answer gives no opinion", ge=10, le=30_000)
    ] = 1500
    trusted_authserv_ids: Annotated[tuple[str, ...], _doc("hosts whose Authentication-Results are believed when `resolver` is off")] = ()
    trusted_sealers: Annotated[tuple[str, ...], _doc("forwarders and lists (domains) whose ARC seals excuse a DMARC failure")] = ()
    size_limit_bytes: Annotated[int, _doc("bytes of a message that are read; of a larger one head and tail", ge=65536, le=1 << 28)] = (
        10 << 20
    )
    self_training: Annotated[
        bool, _doc("let the text model follow its own surest verdicts a little; one command discards what it learned so")
    ] = True
    near_duplicate_hours: Annotated[int, _doc("window in which copies of a message are counted", ge=1, le=720)] = 24
    reputation_half_life_days: Annotated[int, _doc("after so long what is known of a sender counts half", ge=1, le=365)] = 30
    hold_days: Annotated[int, _doc("a held message is given up after so long", ge=1, le=365)] = 14
    release_command: Annotated[
        tuple[str, ...],
        _doc('run to release a held message, such as ["postsuper", "-H", "{queue_id}"]; empty: the command is shown to you'),
    ] = ()
    drop_command: Annotated[
        tuple[str, ...], _doc('run to drop a held message, such as ["postsuper", "-d", "{queue_id}"]; empty: the command is shown to you')
    ] = ()


class Decisions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sign-ups, logins and the other events of the decision door."""

    counter_bytes: Annotated[
        int, _doc("memory for counters; the longest silent keys are forgotten first, and then read as unknown", ge=1 << 20, le=1 << 40)
    ] = 256 << 20
    shadow_decisions: Annotated[int, _doc("decisions that a rule must have seen in shadow before it may be a canary", ge=0, le=10**9)] = 100
    canary_decisions: Annotated[
        int, _doc("decisions that a rule must have seen as a canary before it may act on everyone", ge=0, le=10**9)
    ] = 100
    second_person: Annotated[tuple[str, ...], _doc("verdicts of rules that two people decide on")] = ("hold", "reject")
    second_person_share: Annotated[
        float, _doc("a rule that matched this share of the decisions or more takes two people, whatever its verdict", ge=0, le=2)
    ] = 0.02


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels: whose word counts for how much."""

    trusted_sources: Annotated[tuple[str, ...], _doc("sources whose word alone is enough; mail.site are the site's own labels of mail")] = (
        "desk",
        "mail.site",
    )
    listed_sources: Annotated[
        tuple[str, ...], _doc("further sources that are independent of each other; two of them are enough, all that stand nowhere are one")
    ] = ("mail.user",)
    keyless_confidence: Annotated[
        float, _doc("a label of a trusted peer without an API key is believed at most so far, as one source; 0 refuses it", ge=0, le=1)
    ] = 0.5
    per_hour: Annotated[int, _doc("labels taken from one source within an hour", ge=1, le=100_000_000)] = 200_000
    remembered: Annotated[
        int,
        _doc(
            "labelled things kept in memory, about 1.1 KB each and 0.5 KB for each further label; older ones stay in the journal",
            ge=100,
            le=10_000_000,
        ),
    ] = 200_000


class Campaigns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Campaigns: what one person may decide alone; beyond it a second one approves."""

    accounts: Annotated[int, _doc("accounts of one plan", ge=0, le=1_000_000)] = 100
    established_share: Annotated[float, _doc("share of a plan's accounts that may be established", ge=0, le=1)] = 0.02
    established_days: Annotated[int, _doc("an account is established after so many days", ge=1, le=36_500)] = 30
    per_hour: Annotated[int, _doc("actions of one detector (one rule, one kind of search) within an hour", ge=0, le=1_000_000)] = 100
    joining_share: Annotated[float, _doc("so many more accounts, as a share of the plan, may join by the standing rule", ge=0, le=10)] = 0.5


class Sources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known from elsewhere: lists, address ranges, leaked passwords; each source is declared in a file of its own."""

    folder: Annotated[str, _doc("folder with the declarations (*.toml); empty means sources in the data folder")] = ""
    refresh_seconds: Annotated[int, _doc("declarations and files are looked at so often; a changed one is loaded", ge=1, le=86_400)] = 30


class Outbound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests that leave this program: webhooks, leaked-password ranges."""

    allowed_hosts: Annotated[
        tuple[str, ...], _doc("hosts that may be asked: api.example.com (port 443) or api.example.com:8443; nobody else is")
    ] = ()
    allowed_networks: Annotated[
        tuple[str, ...], _doc("loopback or private networks of your own that may be asked, such as 127.0.0.0/8; all others are refused")
    ] = ()
    plain_http: Annotated[bool, _doc("also allow http without TLS; for a service on the same machine")] = False
    timeout_seconds: Annotated[float, _doc("one request, name resolution and repeats included", gt=0, le=300)] = 10.0
    request_bytes: Annotated[int, _doc("largest body that is sent", ge=1024, le=1 << 28)] = 1 << 20
    response_bytes: Annotated[int, _doc("largest answer that is read", ge=1024, le=1 << 28)] = 4 << 20
    connections: Annotated[int, _doc("connections at once", ge=1, le=1000)] = 32
    ca_file: Annotated[str, _doc("certificates (PEM) to trust instead of the system's; empty: the system's")] = ""


class Outbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Actions, and the webhook that tells them to the service that carries them out."""

    url: Annotated[str, _doc("the receiver, https://host/path, its host also in outbound.allowed_hosts; empty: actions wait for one")] = ""
    secret: Annotated[
        str, _doc("secret that signs the messages, at least 16 characters. Better in a file, or as $WARDLINE_OUTBOX_SECRET")
    ] = ""
    secret_file: Annotated[str, _doc("file that holds the secret instead")] = ""
    key_id: Annotated[str, _doc("name of the secret, sent with each message: give a new secret a new name")] = "1"
    tries: Annotated[int, _doc("after so many a message is a dead letter, kept for `wardline action retry`", ge=1, le=100)] = 24
    first_retry_seconds: Annotated[float, _doc("wait before the second try; it doubles from try to try", gt=0, le=3600)] = 1.0
    longest_retry_seconds: Annotated[float, _doc("longest wait between two tries", gt=0, le=86_400)] = 300.0
    concurrency: Annotated[int, _doc("messages on the wire at once, of different entities", ge=1, le=256)] = 8
    per_hour: Annotated[
        int,
        _doc("actions of one cause (a rule, a case, a person) within an hour; beyond it a second person must approve", ge=1, le=1_000_000),
    ] = 100
    open_actions: Annotated[int, _doc("actions that may be in effect at once", ge=1, le=10_000_000)] = 200_000


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data folder."""

    database: Annotated[
        str,
        _doc(
            "the journal's database: empty for SQLite in the data folder, or postgresql+psycopg://user@host/database, "
            "mariadb+pymysql://user@host/database; password also as $WARDLINE_DATABASE_PASSWORD"
        ),
    ] = ""
    database_password_file: Annotated[str, _doc("file that holds the database's password; empty: from the URL or the environment")] = ""
    outage_bytes: Annotated[
        int,
        _doc("so much may wait, in log and memory, for a database server that is away; then 503", ge=8 << 20, le=4 << 30),
    ] = 128 << 20
    min_free_bytes: Annotated[
        int,
        _doc("below so much free space nothing new is recorded: HTTP answers 507, the mail doors follow their fail mode", ge=0),
    ] = 64 << 20
    decision_days: Annotated[int, _doc("decisions are kept so long", ge=1, le=36_500)] = 90
    history_days: Annotated[int, _doc("events and decisions are kept so long as Parquet, for queries and backtests", ge=1, le=36_500)] = 90
    label_days: Annotated[int, _doc("labels and what the model learned from them are kept so long", ge=1, le=36_500)] = 400
    snapshot_minutes: Annotated[int, _doc("states are saved so often; a restart reads the journal from there", ge=1, le=1440)] = 10
    snapshot_records: Annotated[
        int,
        _doc(
            "and whenever so many records came since; fewer: a shorter restart after a crash, and more is written", ge=1000, le=10_000_000
        ),
    ] = 20_000
    keep_bodies: Annotated[bool, _doc("keep message bodies, encrypted, so that features can be rebuilt; off by default")] = False
    body_days: Annotated[int, _doc("kept bodies live so long", ge=1, le=3650)] = 14


class Logs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logs, on standard error; they hold no identifiers and no content."""

    level: Annotated[Literal["debug", "info", "warning", "error"], _doc("least level that is written")] = "info"
    format: Annotated[Literal["text", "json"], _doc("text for people, json for machines")] = "text"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    http: Http = Http()
    milter: Milter = Milter()
    rspamd: Rspamd = Rspamd()
    mail: Mail = Mail()
    decisions: Decisions = Decisions()
    labels: Labels = Labels()
    outbox: Outbox = Outbox()
    campaigns: Campaigns = Campaigns()
    sources: Sources = Sources()
    outbound: Outbound = Outbound()
    store: Store = Store()
    logs: Logs = Logs()


_VARIABLES = (
    ("WARDLINE_LEARN_SECRET", "rspamd", "learn_secret"),
    ("WARDLINE_OUTBOX_SECRET", "outbox", "secret"),
    ("WARDLINE_RESOLVER", "mail", "resolver"),
)
OUTBOX_SECRET_BYTES = 16


def outbox_secret(outbox: Outbox) -> bytes:
    """The secret that signs the webhook, b"" where there is no receiver. Raises ConfigError where it is missing, short or cannot be read."""
    if not outbox.url:
        return b""
    secret = outbox.secret.encode()
    if not secret and outbox.secret_file:
        try:
            secret = Path(outbox.secret_file).read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"outbox.secret_file: {outbox.secret_file} cannot be read ({error.strerror})") from None
    if len(secret) < OUTBOX_SECRET_BYTES:
        state = "too short" if secret else "missing"
        raise ConfigError(
            f"outbox.secret: {state}; put at least {OUTBOX_SECRET_BYTES} characters into a file and name it in outbox.secret_file, "
            "such as `openssl rand -hex 32 > FILE`"
        )
    return secret


def _check_outbox(config: Config) -> None:
    outbox_secret(config.outbox)
    if not config.outbox.url:
        return
    try:
        parts = urlsplit(config.outbox.url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("outbox.url: cannot be read; write https://hooks.example.com/wardline") from None
    if parts.scheme not in ("https", "http") or not host or "@" in parts.netloc:
        raise ConfigError("outbox.url: write https://hooks.example.com/wardline, without a user or password in it")
    if parts.scheme == "http" and not config.outbound.plain_http:
        raise ConfigError(
            "outbox.url: it is not https, so that everybody on the way could read it; give an https URL, or set outbound.plain_http"
        )
    host = f"[{host}]" if ":" in host else host
    usual = 443 if parts.scheme == "https" else 80
    wanted = {f"{host}:{port or usual}"} | ({host} if port in (None, usual) else set())
    if wanted.isdisjoint(entry.strip().lower() for entry in config.outbound.allowed_hosts):
        raise ConfigError(f'outbox.url: its host is asked by nobody; add "{min(wanted, key=len)}" to outbound.allowed_hosts')


def load_config(path: Path | None, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration from a TOML file (None: all defaults) and the environment. Raises ConfigError."""
    given: dict[str, Any] = {}
    if path is not None:
        try:
            given = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); give an existing file with --config") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not valid TOML: {error}") from None
    values = os.environ if environment is None else environment
    for variable, section, key in _VARIABLES:
        if values.get(variable):
            part = given.setdefault(section, {})
            if isinstance(part, dict):
                part[key] = values[variable]
    source = str(path) if path else "the environment"
    try:
        config = msgspec.convert(given, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {error}; `wardline config show` prints every key with its default") from None
    _check(config, source)
    return config


def _check(config: Config, source: str) -> None:
    http, milter, rspamd = config.http.trusted_peers, config.milter.peers, config.rspamd.trusted_peers
    for where, networks in (("http.trusted_peers", http), ("milter.peers", milter), ("rspamd.trusted_peers", rspamd)):
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ConfigError(f"{source}: {where}: {error}; write networks as 192.0.2.0/24") from None
    try:
        _check_outbox(config)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    resolver = config.mail.resolver
    if resolver != "off":
        host, _, port = resolver.rpartition(":") if resolver.count(":") == 1 or "]" in resolver else (resolver, "", "53")
        try:
            ipaddress.ip_address(host.strip("[]"))
            if not 0 < int(port) < 65536:
                raise ValueError("the port is out of range")
        except ValueError as error:
            raise ConfigError(f"{source}: mail.resolver: {error}; write off, 192.0.2.53 or 127.0.0.1:5353") from None
    for entry in config.outbound.allowed_hosts:
        if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?", entry):
            raise ConfigError(f"{source}: outbound.allowed_hosts: {entry[:80]!r} is no host; write api.example.com or api.example.com:8443")
    for network in config.outbound.allowed_networks:
        try:
            if ipaddress.ip_network(network).is_global or ipaddress.ip_network(network).is_link_local:
                raise ValueError(f"{network} is neither loopback nor private")
        except ValueError as error:
            raise ConfigError(f"{source}: outbound.allowed_networks: {error}; write 127.0.0.0/8 or 10.1.2.0/24") from None
    ports = [config.http.port, config.milter.port, config.rspamd.scan_port, config.rspamd.learn_port]
    used = [port for port in ports if port]
    if len(set(used)) != len(used):
        raise ConfigError(f"{source}: two doors have the same port ({', '.join(map(str, used))}); give each its own, or 0 to close it")


def render_config(config: Config | None = None) -> str:
    """The configuration as a TOML file, each key under its line of explanation."""
    config = config or Config()
    lines: list[str] = ["# Wardline. Every key may be left out; what stands here is what counts then."]
    for section in msgspec.structs.fields(Config):
        part = getattr(config, section.name)
        lines += ["", f"[{section.name}]  # {(type(part).__doc__ or '').strip()}"]
        for field in msgspec.structs.fields(type(part)):
            lines.append(f"# {description(field.type)}")
            lines.append(f"{field.name} = {_toml(getattr(part, field.name))}")
    return "\n".join(lines) + "\n"


def description(annotation: Any) -> str:
    """The line of explanation of one key's type."""
    return next((meta.description or "" for meta in getattr(annotation, "__metadata__", ()) if isinstance(meta, Meta)), "")


def _toml(value: Any) -> str:
    # JSON's texts, numbers, booleans and lists of texts are valid TOML.
    return msgspec.json.encode(value).decode()

"""One look-up in one loaded source that belongs to no registry: what `wardline sources check --ask` shows.

ask_source(source, loaded, "192.0.2.7")  -> {"ip.tor": True}
"""

import time
from typing import Any

from wardline.sources.declaration import Source
from wardline.sources.domainlist import domain_of
from wardline.sources.ip import IpSource, IpSources, Tally
from wardline.sources.loading import Loaded


def ask_source(source: Source, loaded: Loaded, text: str) -> dict[str, Any]:
    """What the source alone says, as of now; {} for nothing."""
    if source.kind in ("disposable", "free_mail"):
        domain = domain_of(text)
        return {} if domain is None else {source.kind: loaded.table.holds(domain)}
    if source.kind == "crawlers":
        return {"user_agent.crawler": loaded.table.holds(text)}
    if source.kind == "leaked_passwords":
        return {}  # no hash of a password belongs on a command line
    one = IpSource(source.name, source.kind, loaded.table, Tally())
    found = IpSources([one]).facts(text, time.time_ns() // 1000)
    return {name: value for name, value in found.items() if name not in ("ip.public", "ip.sources_hit", "ip.sources_missing")}

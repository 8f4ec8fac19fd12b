"""URL: where the links lead and how their addresses are made.

    https://paypal.com.secure.example/~a/login.php#bela@example.net  ->  Signal(0.96, "A link's host begins like a well-known domain …")

Lookalikes of brands and of protected domains, brand names in foreign hosts and paths, bare and disguised IP addresses, user names before the
host, odd ports, mixed-script hosts, open redirects of well-known sites, shorteners, free hosting, the paths of broken-into sites, and the
recipient's address in a link. Nothing is resolved or fetched. Most single facts occur in honest mail; they speak from a certain weight on.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import unquote

from wardline.domains.mail.events import Link, Mail
from wardline.domains.mail.lookalikes import Lookalikes, guard
from wardline.domains.mail.weighing import Cue, opinion
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.unicode import mixed_script_count
from wardline.protocols.url import is_ip, u_label
from wardline.sources.shorteners import is_shortener

CUES: Mapping[str, Cue] = {
    "lookalike": Cue(2.8, "A link's host looks like a well-known name written with other characters."),
    "one_edit": Cue(1.6, "A link's host is one letter away from a well-known name."),
    "brand_in_domain": Cue(1.5, "A link's domain contains a well-known name that it does not belong to."),
    "brand_domain_in_host": Cue(2.6, "A link's host begins like a well-known domain and ends in another."),
    "brand_in_subdomain": Cue(0.4, "A link's host has a well-known name in front of another organisation's domain."),
    "other_ending": Cue(0.45, "A link's domain is a well-known name with another ending."),
    "brand_in_path": Cue(1.4, "A link's path names a well-known organisation beside words of a sign-in."),
    "hidden_ip": Cue(2.8, "A link's host is an IP address in disguise."),
    "ip_host": Cue(1.7, "A link goes to a bare IP address."),
    "ip_text": Cue(0.4, "The text names a bare IP address."),
    "odd_port": Cue(0.45, "A link goes to an unusual port."),
    "userinfo": Cue(1.5, "A link has a user name before its host."),
    "host_in_userinfo": Cue(2.8, "A link begins like one host and goes to another."),
    "mixed_script_host": Cue(2.2, "A link's host mixes alphabets."),
    "open_redirect": Cue(0.9, "A link uses a well-known site's redirection to go elsewhere."),
    "redirect": Cue(0.3, "A link redirects to an address that it carries."),
    "shortener": Cue(0.45, "A link is shortened, so that one cannot see where it leads."),
    "free_hosting": Cue(0.9, "A link goes to a page of a free hosting service that is often abused."),
    "user_pages": Cue(0.25, "A link goes to pages that anybody can make."),
    "ipfs": Cue(2.0, "A link goes to a page on a distributed store that nobody can take down."),
    "broken_into": Cue(1.8, "A link goes to a program among the files of a site's software, as on sites that were broken into."),
    "recipient_in_fragment": Cue(2.2, "A link carries the recipient's address where only the page's script can read it."),
    "script_link": Cue(0.45, "A link runs a script instead of going anywhere."),
    "data_link": Cue(2.2, "A link holds a whole page in itself."),
    "many_labels": Cue(0.45, "A link's host has very many parts."),
    "cheap_ending": Cue(0.4, "A link's domain has an ending that is given away."),
}
LINKS = 64
HOSTS = 32
_WEB = ("http", "https", "ftp")
_FOLLOWED = ("anchor", "form", "area", "base", "attachment")
_PORTS = (None, 0, 80, 443, 8080, 8443)
_ENDINGS = frozenset(
    str.split("top xyz click buzz icu cyou rest cfd sbs quest monster bond lol tk ml ga cf gq zip mov support link work loan men")
)
# Written from general knowledge: services on which anybody gets a page within a minute and without a name.
_FREE_HOSTING = str.split(
    "web.app firebaseapp.com pages.dev r2.dev workers.dev weebly.com weeblysite.com 000webhostapp.com godaddysites.com duckdns.org ddns.net hopto.org "
    "zapto.org serveo.net ngrok.io ngrok-free.app trycloudflare.com repl.co replit.app glitch.me surge.sh on.fleek.co web.core.windows.net translate.goog "
    "square.site webcindario.com infinityfreeapp.com mystrikingly.com jimdosite.com webwave.dev plesk.page start.page ukit.me yolasite.com"
)
_USER_PAGES = str.split(
    "github.io gitlab.io blogspot.com netlify.app vercel.app herokuapp.com wixsite.com webflow.io wordpress.com azurewebsites.net onrender.com "
    "s3.amazonaws.com storage.googleapis.com blob.core.windows.net backblazeb2.com digitaloceanspaces.com sites.google.com forms.gle docs.google.com"
)
_HOSTING = {**dict.fromkeys(_USER_PAGES, "user_pages"), **dict.fromkeys(_FREE_HOSTING, "free_hosting")}
_OPEN_REDIRECTS = (
    ("google.", "/url"), ("google.", "/amp/"), ("bing.com", "/ck/a"), ("youtube.com", "/redirect"), ("facebook.com", "/l.php"), ("doubleclick.net", "/clk"),
    ("doubleclick.net", "/pcs/click"), ("linkedin.com", "/slink"), ("linkedin.com", "/redir"), ("baidu.com", "/link"), ("yandex.", "/redir"),
    ("googleadservices.com", "/pagead"), ("awstrack.me", "/l0/"), ("slack-redir.net", "/link"), ("vk.com", "/away"),
)  # fmt: skip
_TARGET = re.compile(
    r"[?&;](?:url|u|q|to|link|goto|redirect|redirect_?ur[il]|redir|dest|destination|target|next|return|returnurl|continue|adurl)=(https?(?::|%3a)[^&;#]{4,500})",
    re.IGNORECASE,
)
_SITE_FILES = re.compile(
    r"/(?:wp-(?:includes|content|admin)|administrator/components|sites/default/files|\.well-known|cgi-sys|components/com_)/", re.IGNORECASE
)
_PROGRAM = re.compile(r"\.(?:php\d?|phtml|html?|cgi|aspx?)(?:$|/)", re.IGNORECASE)
_SIGN_IN = frozenset(
    str.split(
        "login signin sign-in log-in logon verify verification secure security account accounts update webscr auth myaccount confirm password"
    )
)
_PRIVATE = ("10.", "127.", "192.168.", "169.254.", "0.", *(f"172.{second}." for second in range(16, 32)))
_LOCAL_PART = re.compile(r"[A-Za-z0-9+/_=-]{8,200}")


class Url(Detector[Mail]):
    """Hosts and addresses of the links."""

    name = "url"
    reads = ("url.count", "url.flags")
    cost_us = 20.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """url.count, url.hosts: int (links, distinct web hosts); url.flags: list of names from CUES; url.imitated: names of imitated brands."""
        protector = guard(known.get("config.protected_brands"), known.get("config.local_domains"))
        recipients = [address.strip("<>").lower() for address in subject.envelope.recipients[:10]] or [
            address.address for address in subject.to[:10]
        ]
        flags: dict[str, None] = {}
        imitated: dict[str, None] = {}
        hosts: set[str] = set()
        for link in subject.links[:LINKS]:
            if link.scheme in ("data", "javascript", "vbscript") and link.origin in _FOLLOWED:
                flags["data_link" if link.scheme == "data" else "script_link"] = None
            if link.scheme not in _WEB or not link.host or link.origin == "header":
                continue
            followed = link.origin in _FOLLOWED
            for flag in self._address(link, followed, recipients, protector):
                flags[flag] = None
            if link.host not in hosts and len(hosts) < HOSTS:
                hosts.add(link.host)
                for flag in self._host(link, followed):
                    flags[flag] = None
                imitation = protector.imitates(link.host) if link.origin != "image" else None
                if imitation is not None:
                    flags[imitation.kind] = None
                    imitated[imitation.brand] = None
        found: list[Scalar] = [*flags]
        return {"url.count": len(subject.links), "url.hosts": len(hosts), "url.flags": found[:16], "url.imitated": [*list(imitated)[:4]]}

    @staticmethod
    def _host(link: Link, followed: bool) -> list[str]:
        host = link.host
        flags = []
        if is_ip(host):
            if host not in link.url and ":" not in host:
                flags.append("hidden_ip")
            elif not host.startswith(_PRIVATE):
                flags.append("ip_host" if followed else "ip_text")
            return flags
        if "xn--" in host and mixed_script_count(u_label(host)):
            flags.append("mixed_script_host")
        if is_shortener(host):
            flags.append("shortener")
        labels = host.split(".")
        if len(labels) > 6:
            flags.append("many_labels")
        if labels[-1] in _ENDINGS:
            flags.append("cheap_ending")
        for size in (2, 3, 4):
            kind = _HOSTING.get(".".join(labels[-size:]))
            if kind is not None:
                flags.append(kind)
        return flags

    @staticmethod
    def _address(link: Link, followed: bool, recipients: list[str], protector: Lookalikes) -> list[str]:
        flags = []
        if link.userinfo and link.scheme != "ftp":
            before = link.url.partition("://")[2].partition("/")[0].rpartition("@")[0]
            flags.append("host_in_userinfo" if "." in before and not before.endswith(tuple(recipients) or ("\0",)) else "userinfo")
        if link.port not in _PORTS and followed and not is_ip(link.host):
            flags.append("odd_port")
        path = link.path[:1_000].lower()
        if "/ipfs/" in path or link.host.startswith("ipfs."):
            flags.append("ipfs")
        if len(path) > 10 and _SITE_FILES.search(path) and _PROGRAM.search(path):
            flags.append("broken_into")
        if "#" in link.url and followed and recipients and _holds_address(link.url.partition("#")[2][:300], recipients):
            flags.append("recipient_in_fragment")
        if ("%3a" in link.url or "%3A" in link.url or "=http" in link.url) and followed:
            found = _TARGET.search(link.url[:2_000])
            if found is not None:
                known = any(part in link.host and path.startswith(start) for part, start in _OPEN_REDIRECTS)
                target = unquote(found[1]).partition("://")[2].partition("/")[0].lower()
                if known:
                    flags.append("open_redirect")
                elif link.registrable not in target:
                    flags.append("redirect")
        if path.count("/") > 1:
            words = [word for word in path.split("/")[:12] if 1 < len(word) < 40]
            if (
                not _SIGN_IN.isdisjoint([word.partition(".")[0] for word in words])
                and protector.brands.of_domain(link.host) is None
                and any(protector.is_brand(word.partition(".")[0]) or ("." in word and protector.brands.of_domain(word)) for word in words)
            ):
                flags.append("brand_in_path")
        return flags

    def judge(self, values: Values) -> Signal:
        """Silent without links and on ordinary ones."""
        if not values.get("url.count"):
            return Signal(None, "No links.")
        return opinion(values.get("url.flags"), CUES, "The links' addresses are ordinary.")


def _holds_address(fragment: str, recipients: list[str]) -> bool:
    """Whether a recipient's address stands in the fragment, plain, percent-encoded or as base64."""
    text = unquote(fragment).lower()
    if any(address and address in text for address in recipients):
        return True
    for word in _LOCAL_PART.findall(fragment)[:4]:
        try:
            decoded = base64.b64decode(word.replace("-", "+").replace("_", "/") + "=" * (-len(word) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        clear = decoded.decode("ascii", "replace").lower()
        if "@" in clear and any(address and address in clear for address in recipients):
            return True
    return False

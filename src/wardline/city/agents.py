"""What clients say about themselves: browsers and apps of people and attackers, growing older and updated.

    device = make_device(r, "phone", language, zone)
    device.fragment(now_day)      '"user_agent":"Mozilla/5.0 …","accept_language":"de-AT…","timezone":"Europe/Vienna","screen":"412x915","client":"web"'

Versions follow the release trains: Chrome and Firefox every four weeks, Safari with the system about every six. A device takes a release some
days late; some never do.
"""

import json
from random import Random

from wardline.city.streams import Weighted, exponential, pick, token

# Days from 2024-11-12, when Chrome 131 came out (Firefox 132 two weeks before), to the first day of 1970, and back.
TRAIN_DAY = 20_039
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

# Text with places for versions: {chrome}, {firefox}, {safari}, {ios}, {samsung}, {app}.
TEMPLATES = {
    "win_chrome": f"{_WINDOWS} {_KHTML} Safari/537.36",
    "win_edge": f"{_WINDOWS} {_KHTML} Safari/537.36 Edg/{{chrome}}.0.0.0",
    "win_opera": f"{_WINDOWS} {_KHTML} Safari/537.36 OPR/{{opera}}.0.0.0",
    "win_firefox": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0",
    "mac_safari": f"{_MAC} {_SAFARI} Version/{{safari}} Safari/605.1.15",
    "mac_chrome": f"{_MAC} {_KHTML} Safari/537.36",
    "mac_firefox": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0",
    "linux_firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0",
    "linux_chrome": f"{_LINUX} {_KHTML} Safari/537.36",
    "android_chrome": f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Mobile Safari/537.36",
    "android_samsung": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/{samsung}.0 Chrome/{chrome}.0.0.0 Mobile Safari/537.36",
    "android_firefox": "Mozilla/5.0 (Android 14; Mobile; rv:{firefox}.0) Gecko/{firefox}.0 Firefox/{firefox}.0",
    "android_app": "CityMail/{app} (Android {android}; {model})",
    "iphone_safari": f"Mozilla/5.0 (iPhone; CPU iPhone OS {{ios}} like Mac OS X) {_SAFARI} Version/{{safari}} Mobile/15E148 Safari/604.1",
    "iphone_app": "CityMail/{app} (iPhone; iOS {safari}; {model})",
    "ipad_safari": f"Mozilla/5.0 (iPad; CPU OS {{ios}} like Mac OS X) {_SAFARI} Version/{{safari}} Mobile/15E148 Safari/604.1",
    "tablet_chrome": f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Safari/537.36",
    "tor_browser": "Mozilla/5.0 (Windows NT 10.0; rv:{esr}.0) Gecko/20100101 Firefox/{esr}.0",
}
# Ours, in the order of the browser and platform shares that StatCounter publishes for Europe; so is the share of the provider's own app.
AGENTS = {
    "phone": Weighted({"android_chrome": 36, "iphone_safari": 28, "android_samsung": 5, "android_firefox": 2, "android_app": 17, "iphone_app": 12}),
    "laptop": Weighted({"win_chrome": 45, "win_edge": 15, "win_firefox": 12, "mac_safari": 9, "mac_chrome": 8, "mac_firefox": 1.5,
                        "linux_firefox": 4, "linux_chrome": 2.5, "win_opera": 3}),
    "work": Weighted({"win_edge": 42, "win_chrome": 38, "win_firefox": 8, "mac_chrome": 7, "mac_safari": 3, "linux_firefox": 2}),
    "tablet": Weighted({"ipad_safari": 62, "tablet_chrome": 38}),
    "tor": Weighted({"tor_browser": 1}),
}  # fmt: skip
SCREENS = {
    "phone": Weighted({"412x915": 16, "390x844": 14, "393x873": 12, "360x800": 14, "393x852": 9, "430x932": 6, "414x896": 7, "384x832": 6, "375x812": 6}),
    "laptop": Weighted({"1920x1080": 38, "1536x864": 18, "1366x768": 11, "2560x1440": 9, "1440x900": 7, "1280x720": 5, "1680x1050": 4, "3840x2160": 3,
                        "1512x982": 3, "1470x956": 2}),
    "work": Weighted({"1920x1080": 60, "1536x864": 16, "2560x1440": 12, "1920x1200": 8, "3840x2160": 4}),
    "tablet": Weighted({"820x1180": 30, "810x1080": 26, "768x1024": 22, "800x1280": 22}),
    "tor": Weighted({"1000x900": 3, "1400x900": 4, "1200x800": 2, "1000x600": 1}),
}  # fmt: skip
_ANDROID_MODELS = (
    "SM-A546B",
    "SM-S911B",
    "SM-A155F",
    "Pixel 7",
    "Pixel 8a",
    "2201117TY",
    "23021RAA2Y",
    "CPH2477",
    "SM-A346B",
    "XT2343-2",
    "SM-S928B",
)
_IPHONES = ("iPhone12,1", "iPhone13,2", "iPhone14,5", "iPhone14,7", "iPhone15,2", "iPhone15,4", "iPhone16,1", "iPhone17,3")
SCRIPTS = ("python-requests/2.32.3", "Go-http-client/2.0", "okhttp/4.12.0", "Java/17.0.9", "axios/1.7.2")
MAIL_CLIENTS = ("imap", "imap", "imap", "smtp")


class Device:
    """One device of somebody. kind: phone, laptop, work, tablet or tor; key: its cookie or fingerprint, "" where it keeps none; lag_days: how long after
    a release it has it."""

    __slots__ = (
        "_fragment",
        "_until_day",
        "forgets",
        "key",
        "kind",
        "lag_days",
        "language",
        "model",
        "screen",
        "template",
        "version",
        "zone",
    )

    def __init__(self, kind: str, template: str, language: str, zone: str, screen: str, lag_days: float, key: str, model: str) -> None:
        self.kind, self.template, self.language, self.zone, self.screen = kind, template, language, zone, screen
        self.lag_days, self.key, self.model = lag_days, key, model
        self.forgets = False
        self.version = ""
        self._fragment = ""
        self._until_day = -1.0

    def fragment(self, day: float) -> str:
        """The fields that this client sends at a day since 1970, as the inside of a JSON object."""
        if day >= self._until_day:
            self._render(day)
        return self._fragment

    def _render(self, day: float) -> None:
        self.version, self._until_day = agent(self.template, day - self.lag_days, self.model)
        self._until_day += self.lag_days
        self._fragment = fragment(
            self.version, self.language, self.zone, self.screen, "mobile" if self.template.endswith("_app") else "web"
        )

    def copy(self, key: str = "") -> "Device":
        """The same to look at, with another cookie or none."""
        return Device(self.kind, self.template, self.language, self.zone, self.screen, self.lag_days, key, self.model)


def fragment(text: str, language: str, zone: str, screen: str, client: str) -> str:
    """Client fields as the inside of a JSON object; empty ones are left out."""
    parts = (("user_agent", text), ("accept_language", language), ("timezone", zone), ("screen", screen), ("client", client))
    return ",".join(f'"{name}":{json.dumps(value)}' for name, value in parts if value)


def agent(template: str, day: float, model: str) -> tuple[str, float]:
    """The text that a client with the releases of that day sends, and the day until which it does."""
    since = day - TRAIN_DAY
    four, six = int(since // 28), int(since // 42)
    major, minor = 18 + six // 8, six % 8
    text = TEMPLATES[template].format(
        chrome=131 + four,
        opera=115 + four,
        firefox=132 + four,
        samsung=27 + six // 2,
        esr=128 if since < 320 else 140,
        safari=f"{major}.{minor}",
        ios=f"{major}_{minor}",
        app=f"6.{four % 40}.{int(since // 14) % 2}",
        android=14 + (len(model) & 1),
        model=model,
    )
    step = 14 if template.endswith("_app") else 28
    return text, TRAIN_DAY + min((since // step + 1) * step, (since // 42 + 1) * 42)


def make_device(r: Random, kind: str, language: str, zone: str) -> Device:
    """A new device. One in twelve is never updated again; one in nine forgets its cookies each time; one in fourteen keeps none."""
    template = AGENTS[kind].draw(r)
    stuck = r.random() < 0.08 and kind != "tor"
    lag = 120 + 500 * r.random() if stuck else min(exponential(r) * (20 if kind == "work" else 6), 60)
    model = pick(r, _IPHONES if template.startswith("iphone") else _ANDROID_MODELS)
    device = Device(kind, template, language, zone if kind != "tor" else "UTC", SCREENS[kind].draw(r), lag, token(r), model)
    habit = r.random()
    device.forgets = kind == "tor" or habit < 0.11
    if habit > 0.93:
        device.key = ""
    return device

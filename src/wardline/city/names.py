"""Names of people and of farms, and the addresses they give. None is anybody's: domains end in .example (RFC 2606).

person_name(r)            ("Lena", "Brandner")
user_name(r, first, last) "lena.brandner", "lbrandner84", "blaue_wolke7" …
farm_name("pattern", r, word, number)
"""

from random import Random

from wardline.city.streams import Weighted, pick, whole

_FIRST = (
    "Anna Lena Marie Julia Laura Sophie Emma Mia Hannah Clara Ida Greta Petra Sabine Monika Ursula Birgit Karin Eva Nina Lukas Paul Felix Jonas Max Leon "
    "Elias David Tobias Markus Stefan Thomas Andreas Michael Peter Wolfgang Bernd Uwe Karl Franz Camille Chloe Manon Pierre Luc Antoine Hugo Giulia Chiara Marco "
    "Luca Matteo Lucia Carmen Pablo Diego Javier Agnieszka Kasia Piotr Tomasz Fatma Ayse Mehmet Emre Sanne Daan Bram Olivia Emily Jack Harry George Ava Noah Liam "
    "Mason Beatriz Joao Rafael Priya Ananya Arjun Rohan Chidi Amaka Yuki Haruto Oksana Taras Milena Goran Ivana Zoltan Eszter Mirek Jana Nils Astrid Freya Soren"
).split()
_LAST_A = "Brand Berg Stein Feld Hof Wald Bach Lind Rosen Winter Sommer Kirch Neu Alt Hoch Ober Unter Mar Ros Bel Car Del Mor San Kow Nov Wis Yil Kay Van Dij Har Whit Ash Brad Sil Oli Fer Kap Sha Oko Ade Tan Sato Mel Kov Boh Hor".split()
_LAST_B = "er mann ner ler berger inger ak sky ini etti elli ero ez es on eau ier ski czyk maz oglu veen stra son ton ley field ford va ra ra or pur ma bi mura moto nyk enko ic ek".split()
_WORDS = (
    "blue green quiet happy lost silver golden wild rainy sunny little grand old nova pixel cloud river stone forest ember comet falcon otter lynx fox wolf raven moth "
    "cactus maple cedar moss fern tulip coral delta echo zen cosmic turbo retro lunar solar polar urban rustic velvet copper amber ivory paper violin guitar drum bike trail "
    "summit harbor lantern compass anchor puzzle pepper ginger basil mango kiwi olive walnut noodle pretzel waffle biscuit marble crystal shadow storm breeze thunder wolke "
    "sonne blume stern katze hund vogel berg fluss chat soleil lune fleur gatto sole luna perro cielo playa kot las morze ev deniz"
).split()
FREE_MAIL = Weighted({"bigmail.example": 46, "postfach.example": 18, "hotpost.example": 13, "webbrief.example": 10, "icorreo.example": 7, "libero-posta.example": 3,
                      "poczta-onet.example": 3})  # fmt: skip
DISPOSABLE = tuple(f"{word}{end}.example" for word in ("temp", "quick", "burner", "trash", "ten-minute") for end in ("mail", "box", "post"))
REFERRERS = Weighted({"": 52, "https://search.example/": 31, "https://www.compare-mail.example/free": 6, "https://blog.example/privacy": 5,
                      "https://social.example/": 6})  # fmt: skip


def person_name(r: Random) -> tuple[str, str]:
    """First and last name."""
    return pick(r, _FIRST), pick(r, _LAST_A) + pick(r, _LAST_B)


def user_name(r: Random, first: str, last: str) -> str:
    """A name as people choose them: of their name, of their name and a number, or a nickname."""
    a, b = first.lower(), last.lower()
    kind = r.random()
    if kind < 0.24:
        name = f"{a}.{b}"
    elif kind < 0.36:
        name = f"{a}{b}"
    elif kind < 0.46:
        name = f"{a[0]}{pick(r, ('', '.', '_'))}{b}"
    elif kind < 0.54:
        name = f"{b}.{a}"
    elif kind < 0.6:
        name = f"{a}_{b}"
    elif kind < 0.72:
        name = a + (b[0] if r.random() < 0.4 else "")
    elif kind < 0.92:
        name = pick(r, _WORDS) + pick(r, ("", "", "_", ".", "-")) + pick(r, _WORDS)
    else:
        name = pick(r, _WORDS) + a
    digits = r.random()
    if digits < 0.22:
        name += f"{whole(r, 55, 109) % 100:02d}"
    elif digits < 0.31:
        name += str(whole(r, 1955, 2009))
    elif digits < 0.42:
        name += str(whole(r, 1, 999))
    return name


def email_address(r: Random, first: str, last: str, name: str) -> str:
    """The other address that somebody gives for recovery: mostly the same person at a free mail provider, or at work."""
    local = name if r.random() < 0.45 else user_name(r, first, last)
    if r.random() < 0.09:
        return f"{first.lower()}.{last.lower()}@{pick(r, _WORDS)}-{pick(r, ('gmbh', 'ag', 'sas', 'ltd', 'srl', 'uni'))}.example"
    if r.random() < 0.012:
        return f"{local}@{pick(r, DISPOSABLE)}"
    return f"{local}@{FREE_MAIL.draw(r)}"


def pattern_word(r: Random) -> str:
    """What a farm's names begin with."""
    first, last = person_name(r)
    return pick(r, (first.lower(), first.lower() + last.lower(), pick(r, _WORDS) + pick(r, _WORDS)))


def farm_name(style: str, r: Random, word: str, number: int) -> str:
    """style: counted (a word and a running number), padded (word and random digits), random (letters), written (as a language model writes
    them: like people's, but with an eye for variety)."""
    if style == "counted":
        return f"{word}{number:03d}"
    if style == "padded":
        return f"{word}{whole(r, 1000, 99_999)}"
    if style == "random":
        return "".join(pick(r, "bcdfghklmnprstvwz") + pick(r, "aeiou") for _ in range(4)) + str(whole(r, 10, 999))
    first, last = person_name(r)
    chosen = r.random()
    if chosen < 0.5:
        return f"{first.lower()}.{last.lower()}{whole(r, 70, 104) % 100:02d}"
    if chosen < 0.8:
        return f"{first.lower()}{pick(r, _WORDS)}{whole(r, 1, 99)}"
    return f"{pick(r, _WORDS)}{pick(r, _WORDS)}{pick(r, ('', str(whole(r, 1, 99))))}"

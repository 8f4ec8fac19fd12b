"""lexicon: whole words, stems, scripts without spaces, accents, bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.domains.mail.lexicon import EDGE_CHARS, Lexicon, Text, load, plain

SMALL = Lexicon(
    {
        "kin": {
            "odds": 1.0,
            "words": "Kin.",
            "en": ["next of kin", "heir"],
            "fr": ["héritier"],
            "ru": ["наследник*"],
            "zh": ["继承人"],
            "ko": ["상속인"],
            "tr": ["mirasçı*", "acil yardım çağr*"],
        },
        "prize": {"odds": 2.0, "words": "Prize.", "en": ["you have won"]},
    }
)


@pytest.mark.parametrize(
    "text",
    [
        "My Next-of-Kin.",
        "the heir, alone",
        "l'héritier",
        "heritier",
        "Нет НАСЛЕДНИКОВ",
        "没有继承人了",
        "상속인이 없습니다",
        "mirasçısı yok",
        "bu acil yardım cagrısı",
        "acil yardım çağrısı",
        "ｎｅｘｔ ｏｆ ｋｉｎ",
        "ne\u200bxt of k\u200bin",
        "next\n\tof   kin",
    ],
)
def test_found(text: str) -> None:
    assert SMALL.find(text) == ["kin"]


@pytest.mark.parametrize("text", ["", "theirs", "next of kindness", "nextofkin", "continue", "won you have"])
def test_not_found(text: str) -> None:
    assert SMALL.find(text) == []


def test_a_text_is_folded_once_for_all_lexicons() -> None:
    text = Text("You have won. НАСЛЕДНИКА нет")
    assert SMALL.find(text) == SMALL.find("You have won. НАСЛЕДНИКА нет") == ["kin", "prize"]
    assert (text.words, text.head) == ({"you", "have", "won", "наследника", "нет"}, "You have won. НАСЛЕДНИКА нет")
    assert len(text.scripts) == 1
    assert not Text("nothing but Latin, é and ’").scripts


@pytest.mark.parametrize("text", ["acil yardım", "yardım çağrısı", "acil yardımcı çağrısı"])
def test_the_words_before_the_last_of_a_stem_are_whole(text: str) -> None:
    assert SMALL.find(text) == []


def test_groups_come_in_the_files_order() -> None:
    assert SMALL.find("you have won, heir") == ["kin", "prize"]


def test_only_the_edges_of_a_long_text_are_looked_at() -> None:
    assert SMALL.find("heir " + "x " * EDGE_CHARS * 2) == ["kin"]
    assert SMALL.find("x " * EDGE_CHARS * 2 + " heir") == ["kin"]
    assert SMALL.find("x " * EDGE_CHARS * 2 + " heir " + "x " * EDGE_CHARS * 2) == []


@settings(deadline=None)
@given(st.text())
def test_any_text_becomes_plain_and_stays_so(text: str) -> None:
    once = plain(text)
    assert once.startswith(" ") and once.endswith(" ")
    SMALL.find(text)


@pytest.mark.parametrize("name", ["advance_fee", "credential", "extortion"])
def test_the_shipped_lexicons_are_sound(name: str) -> None:
    lexicon = load(name)
    assert len(lexicon.languages) >= 14
    assert all(-3 < cue.odds < 3 and cue.words.endswith(".") for cue in lexicon.cues.values())


@pytest.mark.parametrize(
    "table",
    [{"g": {"odds": "1", "words": "x"}}, {"g": {"odds": 1.0, "words": "x", "en": ["*"]}}, {"g": {"odds": 1.0, "words": "x", "en": [3]}}],
)
def test_a_bad_file_is_named(table: dict[str, dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="group 'g'"):
        Lexicon(table)

"""The lists that come with the program."""

from importlib import resources

import pytest

from wardline.sources.shipped import shipped_list


@pytest.mark.parametrize("name", ["disposable.txt", "freemail.txt", "shorteners.txt"])
def test_every_word_that_is_no_remark_is_an_entry(name: str) -> None:
    text = resources.files("wardline.sources").joinpath(name).read_text("utf-8")
    words = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
    assert shipped_list(name) == set(words)
    assert len(words) == len(set(words)), "an entry stands twice"
    assert not [word for word in words if "#" in word]

"""The open elements: implied ends, scopes, misnested formatting, and the bounds of every search."""

from wardline.protocols.htmlfacts import ANCHOR, BROKEN, MAX_DEPTH, OVER_DEPTH, Caps
from wardline.protocols.htmlwalk import WALK, Walk

NOTHING: dict[bytes, bytes] = {}


def walk(*tokens: str, caps: Caps | None = None) -> Walk:
    """A walk through start tags ("p"), end tags ("/p") and text ("=text")."""
    result = Walk(caps or Caps(), {}, second=False)
    for token in tokens:
        if token.startswith("="):
            result.text(token[1:].encode())
        elif token.startswith("/"):
            result.end_tag(token[1:].encode())
        else:
            result.start_tag(token.encode(), dict(NOTHING), closed=False)
    return result


def names(result: Walk) -> list[str]:
    return [name.decode() for name, _, _ in result.stack]


def test_implied_ends() -> None:
    assert names(walk("p", "p")) == ["p"]
    assert names(walk("p", "b", "div")) == ["div"]
    assert names(walk("ul", "li", "li")) == ["ul", "li"]
    assert names(walk("ul", "li", "ul", "li")) == ["ul", "li", "ul", "li"]
    assert names(walk("table", "tr", "td", "td")) == ["table", "tr", "td"]
    assert names(walk("table", "tr", "td", "tr")) == ["table", "tr"]
    assert names(walk("table", "tr", "td", "table", "tr", "td")) == ["table", "tr", "td", "table", "tr", "td"]
    assert names(walk("dl", "dt", "dd", "dt")) == ["dl", "dt"]
    assert names(walk("p", "table", "p")) == ["p", "table", "p"]


def test_scopes() -> None:
    assert names(walk("div", "table", "tr", "td", "/div")) == ["div", "table", "tr", "td"]
    assert names(walk("div", "table", "tr", "td", "b", "/td")) == ["div", "table", "tr"]
    assert names(walk("div", "table", "tr", "td", "/table")) == ["div"]


def test_misnested_formatting() -> None:
    assert names(walk("b", "i", "/b")) == []
    assert names(walk("b", "div", "/b")) == ["", "div"]
    assert walk("/b", "/p", "/div").counts[BROKEN] == 3


def test_no_search_goes_further_than_the_walk() -> None:
    near = walk("q", *["i"] * (WALK - 1), "/q")
    far = walk("q", *["i"] * WALK, "/q")
    assert names(near) == []
    assert len(far.stack) == WALK + 1
    assert far.counts[BROKEN] == 1


def test_depth_is_capped() -> None:
    deep = walk(*["div"] * 30, caps=Caps(depth=10))
    assert (len(deep.stack), deep.counts[MAX_DEPTH], deep.limits) == (10, 10, OVER_DEPTH)


def test_open_counts_return_to_zero() -> None:
    done = walk("div", "b", "p", "x", "table", "tr", "td", "pre", "svg", "/table", "/div")
    assert not any(done.open.values())
    assert (done.pre, done.svg) == (0, 0)


def test_links_that_lead_nowhere_are_not_kept() -> None:
    result = Walk(Caps(url=10), {}, second=False)
    assert result.link(b"#x", ANCHOR, 0) == -1
    assert result.link(b" \n", ANCHOR, 0) == -1
    assert result.link(b"CID:part", ANCHOR, 0) == -1
    assert result.link(b" ht\ntp://example.com/ ", ANCHOR, 1) == 0
    assert result.links == [[b"http://exa", b"", ANCHOR, 1]]

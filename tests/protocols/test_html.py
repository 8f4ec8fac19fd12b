"""What a person sees, what is hidden, where it leads."""

import pytest

from wardline.protocols.html import Limits, Page, see


def links(page: Page, origin: str = "anchor") -> list[tuple[str, str, bool]]:
    return [(link.url, link.text, link.hidden) for link in page.links if link.origin == origin]


@pytest.mark.parametrize(
    ("source", "visible"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a &amp; b &lt;c&gt; &eacute; &#65;&#x42; &nbsp; d", "a & b <c> é AB d"),
        ("one<br>two<p>three</p>four<div>five</div>six", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("<b>bo</b>ld <i>w</i>ord", "bold word"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\nc"),
        ("<ul><li>x<li>y</ul>z", "x\ny\nz"),
        ("<pre>a\n  b\nc</pre>", "a\nb\nc"),
        ("a\n\n  b\t c", "a b c"),
        ("vi<!-- x -->ag<span></span>ra", "viagra"),
        ("<title>t</title><style>p{}</style><script>var x='<p>';</script>shown", "shown"),
        ("<noscript>n</noscript><template>t</template>shown", "shown"),
        ("<textarea>a\nb</textarea>c", "a\nb\nc"),
        ("<xmp><b></xmp>", "<b>"),
        ("1 < 2 and 3 > 2 <3", "1 < 2 and 3 > 2 <3"),
        ("<!--[if mso]>outlook<![endif]--><!--[if !mso]><!-->others<!--<![endif]-->", "others"),
        ("<![if !mso]>others<![endif]>", "others"),
        ("a</body></html>b", "ab"),
        ("x<!-- never closed", "x"),
        ("x<a href='never closed", "x"),
        ("soft\u00adhy\u200bphen", "softhyphen"),
        ("nul\x00l, \x0bvt", "null, vt"),
        ("<input type=submit value='Log in'><input placeholder=Password type=password><input type=hidden value=x>", "Log in Password"),
        ("<select><option>a<option>b</select>", "a\nb"),
        ("<h1>Title</h1>text", "Title\ntext"),
    ],
)
def test_visible_text_in_reading_order(source: str, visible: str) -> None:
    assert see(source).visible == visible


@pytest.mark.parametrize(
    ("opening", "how"),
    [
        ("<div style='display:none'>", "display"),
        ("<div style='DISPLAY : None !important'>", "display"),
        ("<div style='/* */display:none'>", "display"),
        ("<div style='display&#58;none'>", "display"),
        ("<div style='visibility:hidden'>", "visibility"),
        ("<div style='font-size:0'>", "size"),
        ("<div style='font-size:1px;color:red'>", "size"),
        ("<div style='font-size:0.1em'>", "size"),
        ("<div style='font:0/0 a'>", "size"),
        ("<div style='font:1px/1px Arial'>", "size"),
        ("<div style='max-height:0;overflow:hidden'>", "size"),
        ("<div style='width:0px;height:0px;overflow:hidden'>", "size"),
        ("<div style='color:#ffffff'>", "colour"),
        ("<div style='color:white'>", "colour"),
        ("<div style='color:rgb(250, 250, 250)'>", "colour"),
        ("<div style='color:rgba(0,0,0,0)'>", "colour"),
        ("<div style='color:transparent'>", "colour"),
        ("<div style='color:#fffffe'>", "colour"),
        ("<div style='color:#000;background-color:black'>", "colour"),
        ("<div style='background:#111 repeat;color:#000'>", "colour"),
        ("<div style='color:#fff'><a href=//example.com style='color:inherit'>", "colour"),
        ("<div bgcolor=black>", "colour"),
        ("<font color=#FEFEFE>", "colour"),
        ("<font color=ffffff>", "colour"),
        ("<div style='text-indent:-9999px'>", "offscreen"),
        ("<div style='position:absolute;left:-9999px'>", "offscreen"),
        ("<div style='margin-left:-1000em'>", "offscreen"),
        ("<div style='position:absolute;clip:rect(0 0 0 0)'>", "offscreen"),
        ("<div style='opacity:0'>", "opacity"),
        ("<div style='opacity:5%'>", "opacity"),
        ("<div hidden>", "attribute"),
        ("<noscript>", "element"),
        ("<dialog>", "display"),
        ("<style>.x{display:none}</style><div class='a x b'>", "display"),
        ("<style>#y , q { font-size:1px }</style><div id=Y>", "size"),
        ("<style>div.z{color:#fff}</style><div class=z>", "colour"),
        ("<style>div{visibility:hidden}</style><div>", "visibility"),
        ("<style>@media  screen {p{color:red} .x{display:none}} q{color:red}</style><div class=x>", "display"),
        ("<style>@media only all{} .x{display:none}</style><div class=x>", "display"),
        ("<style>body{background:#000}</style><body><div style='color:#0a0a0a'>", "colour"),
        ("<body bgcolor='#000000' text='#101010'><div>", "colour"),
        ("<table bgcolor=navy><tr><td style='color:#000080'>", "colour"),
    ],
)
def test_hidden_text(opening: str, how: str) -> None:
    page = see(f"{opening}secret")
    assert page.visible == ""
    assert page.hidden == "secret"
    assert page.hidden_by == (how,)
    assert page.hidden_chars == 6


@pytest.mark.parametrize(
    "opening",
    [
        "<div style='display:block'>",
        "<div aria-hidden=true>",
        "<div style='mso-hide:all'>",
        "<div style='font-size:9px;color:#333'>",
        "<div style='color:#fff;background:url(x.png)'>",
        "<div style='color:#fff;background:linear-gradient(red,blue)'>",
        "<div style='color:#fff;background-color:#00f'>",
        "<div style='color:var(--x)'>",
        "<div style='width:0;height:0'>",
        "<div style='text-indent:-2em'>",
        "<div style='position:absolute;left:-5px'>",
        "<div style='opacity:.5'>",
        "<div style='font-size:0'><span style='font-size:13px'>",
        "<div style='visibility:hidden'><span style='visibility:visible'>",
        "<table bgcolor=#000000><tr><td><font color=white>",
        "<td background=x.png><font color=white>",
        "<style>@media print{div{display:none}}</style><div>",
        "<style>@media screen and (max-width:600px){div{display:none}}</style><div>",
        "<style>@media only{div{display:none}}</style><div>",
        "<style>.a .b{display:none}</style><div class=b>",
        "<style>/* div{display:none} */</style><div>",
        "<div data-style='display:none'>",
        "<p style='display:none'>x<p>",
        "<ul><li style='display:none'>x<li>",
        "<table><tr><td style='display:none'>x<td>",
        "<table><tr style='display:none'><td>x<tr><td>",
        "<div style='display:none'>x</div>",
        "<div style='display:none'><b>x</div>",
        "<div style='color:#fff'><a href=//example.com>",
        "<div style='color:#fff;background:#00c'><a href=//example.com style='color:inherit'>",
        "<div style=color:black style=display:none>",
    ],
)
def test_text_that_is_seen(opening: str) -> None:
    assert see(f"{opening}seen").visible.endswith("seen")


def test_hidden_letters_do_not_break_the_words_that_are_seen() -> None:
    page = see("V<span style='font-size:0'>xq</span>ia<font color=white>zz</font>gra")
    assert page.visible == "Viagra"
    assert page.hidden == "xq zz"
    assert set(page.hidden_by) == {"size", "colour"}


def test_a_cell_keeps_its_style_when_a_stray_end_tag_comes() -> None:
    page = see("<div><table><tr><td style='display:none'>one</div>two</td><td>three</td></tr></table></div>")
    assert page.visible == "three"
    assert page.hidden == "one\ntwo"


def test_a_misnested_formatting_end_leaves_the_block_open() -> None:
    page = see("<b><div style='display:none'>one</b>two</div>three")
    assert (page.visible, page.hidden) == ("three", "onetwo")


def test_styles_behind_the_text_count_too() -> None:
    page = see("<p>intro<p class=x>secret<style>.x{display:none}</style>")
    assert (page.visible, page.hidden) == ("intro", "secret")


def test_zero_width_characters_are_counted_and_removed() -> None:
    page = see("pay\u200bpal ver\u2060&zwnj;ify \u202egnp.exe soft\u00adly")
    assert page.visible == "paypal verify gnp.exe softly"
    assert (page.zero_width_chars, page.split_words, page.soft_hyphens, page.bidi_overrides) == (4, 2, 1, 1)
    assert page.hidden_by == ("zero_width",)


def test_links_with_text_origin_and_base() -> None:
    page = see(
        "<base href='http://example.com/dir/page'><a href='x?a=1&amp;b=2'>rela<b>tive</b></a>"
        "<a href=' https://example.net/\n'><img src=logo.png alt='The Bank'></a><a href=#top>top</a><a name=x>no link</a>"
        "<a href='//example.org' style='display:none'>gone</a><area href=/map><form action=go></form><iframe src=f></iframe>"
        "<meta http-equiv=Refresh content=\"5; URL='http://example.com/next'\"><p style=\"background:url('bg.png')\"><td background=t.gif>"
        "<a href='java\tscript:alert(1)'>js</a><img src=cid:part1><img src='data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP'>"
    )
    assert links(page) == [
        ("http://example.com/dir/x?a=1&b=2", "relative", False),
        ("https://example.net/", "The Bank", False),
        ("http://example.org", "", True),
        ("javascript:alert(1)", "js", False),
    ]
    assert links(page, "area") == [("http://example.com/map", "", False)]
    assert links(page, "form") == [("http://example.com/dir/go", "", False)]
    assert links(page, "frame") == [("http://example.com/dir/f", "", False)]
    assert links(page, "refresh") == [("http://example.com/next", "", False)]
    assert links(page, "style") == [("http://example.com/dir/bg.png", "", False)]
    assert links(page, "base") == [("http://example.com/dir/page", "", False)]
    assert [link[0] for link in links(page, "image")] == [
        "http://example.com/dir/logo.png",
        "http://example.com/dir/t.gif",
        "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP",
    ]
    assert page.base == "http://example.com/dir/page"
    assert page.alt_text == "The Bank"
    assert (page.script_urls, page.data_urls, page.inline_images, page.meta_refresh) == (1, 1, 1, 1)


def test_an_anchor_ends_where_its_text_ends() -> None:
    page = see("<a href=//a.example>one<a href=//b.example>two</a> three<div><a href=//c.example>four</div>five")
    assert [link.text for link in page.links] == ["one", "two", "four"]


def test_facts() -> None:
    page = see(
        "<html><body><form><input type=password><input></form><img src=http://example.com/a.gif width=1 height=1><img src=b.gif>"
        "<script>x</script><iframe></iframe><object></object><p onclick=x onload=y></q><!-- four --><!--[if mso]>x<![endif]--><title>T &amp; U</title>"
    )
    assert (page.forms, page.inputs, page.password_inputs) == (1, 2, 1)
    assert (page.images, page.remote_images, page.tiny_images) == (2, 1, 1)
    assert (page.scripts, page.iframes, page.objects, page.handlers) == (1, 1, 1, 2)
    assert (page.comments, page.comment_chars, page.conditionals) == (2, 6, 1)
    assert page.broken_tags == 1
    assert page.title == "T & U"
    assert page.shape.startswith("html body form input input img img script iframe")


@pytest.mark.parametrize(
    "filler",
    ["x ", "<b>", "<!-- x -->", "<p style='display:none'>y</p>", "&amp;", "<!--", "<a href='", "<style>", "<script>", "\x00", "日"],
)
def test_what_stands_behind_every_cap_is_read_at_the_end(filler: str) -> None:
    """A long run of anything, then the message: its text, link and form are found, and the cap is named."""
    page = see(
        "hello "
        + filler * (600_000 // len(filler))
        + "-->\"'></style></script><body><p>claim your prize <a href=http://192.0.2.7/win>here</a>"
    )
    assert page.limits
    assert "claim your prize here" in page.visible + page.hidden
    assert any(link.url == "http://192.0.2.7/win" and link.text == "here" for link in page.links)


def test_caps_are_named() -> None:
    small = Limits(
        head_chars=2_000, tail_chars=100, tags=20, depth=5, attributes=3, links=4, rules=2, url_chars=30, link_text_chars=5, sheet_chars=50
    )
    assert see("a" * 3_000, small).limits == ("html_size",)
    assert see("<br>" * 30, small).limits == ("html_tags",)
    assert see("<i>" * 10, small).limits == ("html_depth",)
    assert see("<i a b c d e>", small).limits == ("html_attributes",)
    assert see("<style>" + "x" * 60 + "</style>", small).limits == ("html_styles",)
    assert see("<style>a,b,p{color:red}</style>", small).limits == ("html_styles",)
    many = see("".join(f"<a href=//e.example/{n}>" for n in range(8)), small)
    assert many.limits[-1] == "html_links"
    assert [link.url[-1] for link in many.links] == ["0", "1", "2", "7"]
    long = see("<a href=//e.example/" + "u" * 100 + ">0123456789</a>", small).links[0]
    assert (len(long.url), long.text) == (30, "01234")


def test_lone_surrogates_do_no_harm() -> None:
    assert see("a\ud800b <a href=\udfff>x</a>").visible == "a?b x"

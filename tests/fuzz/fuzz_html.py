"""Fuzz target: HTML. The C scan and the Python scan must agree, and neither may fail, on whatever arrives.

    .venv/bin/python tests/fuzz/fuzz_html.py [--rounds 2000] [--seed 1]

A plain bounded loop over documents put together from pieces that matter to the scanner, and then damaged. `one_input` takes bytes, as atheris
hands them over. Exits 1 and prints the document's digest and first difference when the two disagree.
"""

import argparse
import hashlib
import random
import sys

from wardline.protocols import html

PIECES = (
    "<p>", "</p>", "<div>", "</div>", "<div style='display:none'>", "<span style=\"font-size:0\">", "</span>", "<b>", "</b>", "<i>", "</i>",
    "<font color=white>", "<font color=#fefefe size=1>", "</font>", "<a href=//example.com/x>", "<a href='http://192.0.2.1/?a=1&copy=2'>", "</a>",
    "<a href=#x>", "<a>", "<table bgcolor=black><tr><td>", "<td>", "<th>", "<tr>", "</td>", "</tr>", "</table>", "<tbody>", "<ul><li>", "<li>",
    "</ul>", "<dl><dt>", "<dd>", "<option>", "<select>", "</select>", "<img src=http://example.com/a.gif width=1 height=1>",
    "<img src='cid:x' alt='one &amp; two'>", "<img alt=\"three\">", "<br>", "<br/>", "</br>", "<hr>", "<!-- c -->", "<!--[if mso]>x<![endif]-->",
    "<!---->", "<!-->", "<!--->", "<!-- -- --!>", "<!", "<?x?>", "</3>", "<![endif]>", "<style>.x{display:none} p{color:#fff}</style>",
    "<style>@media print{.x{color:red}} #y,div.z{font-size:1px}*{opacity:1}</style>", "<style>/*", "<style>", "</style>", "<script>", "</script>",
    "<script>var a='<p>'</script>", "<title>t &lt; u</title>", "<textarea>a\nb", "</textarea>", "<pre>\na\n b", "</pre>", "<xmp><b></xmp>", "<noscript>",
    "</noscript>", "<template>", "</template>", "<body bgcolor='#000' text=white>", "<body>", "</body>", "<html>", "</html>", "<head>", "</head>",
    "<base href=http://example.com/d/>", "<meta http-equiv=refresh content='0;url=http://example.com'>", "<link href=x.css>", "<form action=/go>",
    "<input type=password placeholder=pw>", "<input type=submit value=Go formaction=x>", "<button formaction=//b>", "</button>", "<iframe src=x>",
    "</iframe>", "<object data=o>", "<embed src=e>", "<svg><path/>", "</svg>", "<dialog>", "</dialog>", "<p class='x y'>", "<p class=z id=y>",
    "<div class=z>", "<div hidden>", "<p style='visibility:hidden'>", "<p style='visibility:visible'>", "<p style='text-indent:-9999px'>",
    "<p style='position:absolute;left:-9999px'>", "<p style='opacity:0'>", "<div style='max-height:0;overflow:hidden'>", "<td style='background:#fff'>",
    "<td style='background:url(x.png) no-repeat'>", "<p style='color:rgb(254, 254,254)'>", "<p style='font:0/0 a'>", "<p style='color:transparent'>",
    "<p style='mso-hide:all'>", "<p style='font-size:50%'>", "<p style='font-size:.1em;color:rgba(0,0,0,.05)'>", "<x:y/>", "<o:p></o:p>", "<unknown>",
    "</unknown>", "<a <a <a", "<b a='", "<b a=\"x", "<b a = c d e=f/>", "<b =a>", "<b a=>", "<b/>", "<map><area href=x alt=y>", " ", "\n", "\t", "word ",
    "a", "Z", "\u200b", "\u00ad", "\u00a0", "\u202e", "é", "日", "😀", "\U000e0041", "&amp;", "&nbsp;", "&zwnj;", "&shy;", "&#65;", "&#x1F600;", "&#0;", "&#10;",
    "&#150;", "&copy", "&notit;", "&nGt;", "&", "&;", "&#", "&#x", "&#xD800;", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;", "<", ">", "'", '"', "=", "/", "\x00",
    "\x0b", "\x1e", "\x7f", "javascript:", "data:text/html,x", "<a href=' java\nscript:x'>", "<a href=DATA:text/html,0123456789012345678901234567890123456789012345678901234567890123456789>",
    "onclick=x", "<p onclick=x OnLoad=y>", "<td background=b.png>", "style=", "class=x", "<p style='color:#12'>", "<p style='color:#1234'>", "<p style='width:0;overflow:hidden'>",
    "<p style='clip:rect(0 0 0 0);position:absolute'>", "<p style='display:none!important'>", "<p style='/*x*/DISPLAY : NONE'>", "<p style='font-size:3.999px'>",
    "<marquee>", "<center>", "</center>", "<h1>", "</h1>", "<caption>", "<thead>", "<button>",
)  # fmt: skip

SMALL = html.Limits(
    head_chars=300, tail_chars=60, tags=20, depth=6, attributes=3, links=4, rules=2, url_chars=20, link_text_chars=8, sheet_chars=60
)


def document(rng: random.Random) -> str:
    """A document of a few to a few hundred pieces, sometimes cut and spliced."""
    pieces = rng.choices(PIECES, k=rng.choice((3, 10, 30, 120, 400)))
    if rng.random() < 0.3:
        pieces = [piece if rng.random() < 0.5 else rng.choice(pieces) for piece in pieces]
    text = "".join(pieces)
    for _ in range(rng.choice((0, 0, 1, 5))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(("", "<", ">", '"', "'", "&", "\u200b", "-", "/", " ")) + text[at + rng.choice((0, 1, 3)) :]
    return text


def check(text: str) -> None:
    """Raises AssertionError when the engines differ under usual or under small limits."""
    for limits in (html.Limits(), SMALL):
        compiled, pure = html.see(text, limits), html.see_pure(text, limits)
        if compiled != pure:
            names = [name for name in html.Page.__struct_fields__ if getattr(compiled, name) != getattr(pure, name)]
            raise AssertionError(
                f"the engines differ in {', '.join(names)} on {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
            )
        if len(compiled.visible) > 3 * len(text) + 16:
            raise AssertionError("more text came out than went in")


def one_input(data: bytes) -> None:
    """The atheris entry point."""
    check(data.decode("utf-8", "replace"))


def main() -> int:
    """The bounded loop."""
    arguments = argparse.ArgumentParser(description="Fuzz the HTML reader")
    arguments.add_argument("--rounds", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    for number in range(options.rounds):
        text = document(random.Random(f"{options.seed}/{number}"))
        try:
            check(text)
        except AssertionError as error:
            print(f"round {number}: {error}\n{text[:2000]!r}", file=sys.stderr)
            return 1
    print(f"{options.rounds} documents, engine {'C against Python' if html.compiled() else 'Python only'}: no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())

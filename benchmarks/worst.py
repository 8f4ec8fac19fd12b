"""The worst message: how long and how much memory one message can cost the whole pipeline, from bytes to the durable decision.

    python benchmarks/worst.py                 bombs written here
    python benchmarks/worst.py DIR [DIR …]     and every file under these folders (fixtures, spam)

Each message is judged by the program as it ships, in one process. Prints the slowest ten (wall and processor milliseconds; the disk is part of
the wall) and the process's peak memory, as JSON at the end. Bombs are up to 10 MB.
"""

import argparse
import json
import pathlib
import resource
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO

from wardline import Wardline

MB = 1 << 20
HEAD = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: test\r\nMIME-Version: 1.0\r\n"


def zip_bomb() -> bytes:
    """Ten members of 100 MB of zeros each, well compressed."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(10):
            with archive.open(f"{number}.txt", "w", force_zip64=True) as member:
                for _ in range(100):
                    member.write(b"\0" * MB)
    return out.getvalue()


def bombs() -> Iterator[tuple[str, bytes]]:
    """Names and messages that are made to be slow."""
    html = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    size = 10 * MB
    fillers = {
        "a lt a": b"<a ",
        "lt": b"<",
        "amp": b"&",
        "nested b": b"<b>",
        "nested table": b"<table><tr><td>",
        "attributes": b"<p a=1 b=2 c=3 d=4 e=5>x",
        "one tag of attributes": b" a=1",
        "style rules": b"<style>.a{color:red}</style>",
        "links": b'<a href="http://192.0.2.1/x?y=z">click</a> ',
        "comments": b"<!-- -->",
        "unclosed comment": b"<!--",
        "entities": b"&#x41;&amp;&nbsp;",
        "hidden": b'<span style="display:none">x</span>',
    }
    for name, filler in fillers.items():
        yield f"html {name}", html + filler * (size // len(filler))
    yield "html style sheet", html + b"<style>" + b"#a .b > c{font-size:0;color:#fff}\n" * (size // 36) + b"</style>x"
    plain = HEAD + b"Content-Type: text/plain\r\n\r\n"
    for name, filler in {
        "spaces": b" ",
        "lines": b"\n",
        "words": b"lorem ipsum dolor ",
        "urls": b"http://a.example/b ",
        "dots": b"a.",
        "ats": b"a@b.example ",
        "at signs": b"@",
        "digits": b"1",
        "colons": b"http:",
        "utf8": "é".encode(),
        "combining": "a\u0301\u0302".encode(),
        "zero width": "a\u200b".encode(),
        "nul": b"\0",
    }.items():
        yield f"text {name}", plain + filler * (size // len(filler))
    yield "encoded words", b"Subject: " + b"=?utf-8?b?YWJj?= " * 60_000 + b"\r\n\r\nx"
    yield "half encoded words", b"Subject: " + b"=?" * 500_000 + b"\r\n\r\nx"
    yield "recipients", b"To: " + b"a@example.com, " * 600_000 + b"\r\n\r\nx"
    yield "comments in addresses", b"From: " + b"(" * 1_000_000 + b"\r\n\r\nx"
    yield "headers", b"".join(b"X-%d: y\r\n" % number for number in range(500_000)) + b"\r\nx"
    yield "received", b"Received: from a (b [192.0.2.1]) by c; Sat, 21 Nov 2026 10:00:00 +0000\r\n" * 100_000 + b"\r\nx"
    yield "signatures", b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=AA==; b=AA==\r\n" * 100_000 + b"\r\nx"
    yield "folded header", b"Subject: " + b"x\r\n " * 2_000_000 + b"\r\n\r\nx"
    nested = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    yield "nested parts", HEAD + b"".join(nested % (number, number) for number in range(5_000))
    yield "same boundary", HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 800_000
    yield "nested messages", HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 100_000
    yield "base64", HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * (size // 4)
    yield (
        "quoted printable",
        HEAD + b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41=\r\n" * (size // 6),
    )
    attachment = HEAD + b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    yield "zip bomb", attachment + zip_bomb()
    yield "utf-7", HEAD + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+AGEAYg-" * (size // 8)
    yield "iso-2022-jp", HEAD + b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + b"\x1b$B$\x22\x1b(B" * (size // 9)


def files(folders: list[pathlib.Path]) -> Iterator[tuple[str, bytes]]:
    """Every file of the folders, at most 10 MB of each."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path.name, path.read_bytes()[: 10 * MB]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    folders = parser.parse_args().folders
    results = []
    with Wardline() as wardline:
        wardline.check_mail(HEAD + b"\r\nwarm")
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for source in (bombs(), files(folders)):
            for name, raw in source:
                wall, cpu = time.perf_counter(), time.process_time()
                answer = wardline.check_mail(raw)
                results.append(((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000, name, answer.verdict))
    results.sort(reverse=True)
    for wall_ms, cpu_ms, name, verdict in results[:10]:
        print(f"{wall_ms:8.1f} ms wall {cpu_ms:8.1f} ms cpu  {verdict:<10} {name}")
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "messages": len(results),
                "worst_wall_ms": round(results[0][0], 1),
                "worst_cpu_ms": round(max(result[1] for result in results), 1),
                "peak_mb": round(peak_kb / 1024, 1),
                "before_mb": round(before_kb / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main()

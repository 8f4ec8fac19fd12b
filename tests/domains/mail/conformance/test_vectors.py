"""The conformance command against small suites written here in the formats of the projects that publish them."""

from pathlib import Path

import pytest
import yaml

from tests.mailkeys import MESSAGE, Signer, key_record, rsa_key
from wardline.domains.mail.conformance import vectors
from wardline.domains.mail.conformance.zone import Zone
from wardline.protocols.dns import EMPTY, NXDOMAIN, TIMEOUT, Answer, Question

SIGNER = Signer(rsa_key(2048))


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def suite(folder: Path, name: str) -> vectors.Suite:
    report = vectors.run(folder, only=[name])
    (found,) = report.suites
    return found


SPF = """
description: one
tests:
  good: {helo: mx.example.com, host: 192.0.2.1, mailfrom: a@example.com, result: pass}
  either: {helo: mx.example.com, host: 192.0.2.9, mailfrom: a@example.com, result: [neutral, fail], explanation: Not 192.0.2.9}
  helo: {helo: example.com, host: 192.0.2.1, mailfrom: "", result: pass}
  wrong: {helo: example.com, host: 192.0.2.1, mailfrom: "", result: softfail}
  silent: {helo: example.com, host: 192.0.2.9, mailfrom: a@example.com, result: fail, explanation: DEFAULT}
  alien: {helo: example.com, host: 192.0.2.1, mailfrom: "", result: ambiguous}
  broken: {helo: example.com}
zonedata:
  example.com: [{SPF: v=spf1 ip4:192.0.2.1 -all exp=why.example.com}]
  why.example.com: [{TXT: "Not %{i}"}]
"""


def test_the_spf_projects_format(tmp_path: Path) -> None:
    write(tmp_path, "some/spf-tests.yml", SPF)
    found = suite(tmp_path, "spf/")
    assert (found.name, found.passed, found.failed, found.skipped) == ("spf/some/spf-tests.yml", 3, 3, 1)
    assert found.failing == ["wrong: softfail expected, pass found", "silent: another explanation", "broken: raised KeyError"]
    assert found.reasons == {"expects a result that RFC 7208 does not have": 1}


STALWART = """# comment
name: Simple
records:
  spf: example.com v=spf1 mx ptr exists:%{i}.example.com -all exp=why.example.com
  exp: why.example.com No to %{i}
  mx: example.com 192.0.2.1, 192.0.2.2
  ptr: 192.0.2.3 host.example.com.
  a: host.example.com 192.0.2.3
tests:
  - domain: mx.example.com
    sender: a@example.com
    ip: 192.0.2.2
    expect: pass
    ip: 192.0.2.3
    expect: pass
    ip: 192.0.2.4
    expect: fail No to 192.0.2.4
  - name: with a record of its own
    a: 192.0.2.4.example.com 127.0.0.2
    expect: pass
---
name: Failing
records:
tests:
  - domain: _dns_error.example.com
    sender:
    ip: 192.0.2.1
    expect: temperror
"""


def test_stalwarts_format(tmp_path: Path) -> None:
    write(tmp_path, "spf/simple.yml", STALWART)
    found = suite(tmp_path, "spf/")
    assert (found.passed, found.failing) == (5, [])


def test_zones_of_the_spf_project() -> None:
    zone = Zone(
        {"A.example": [{"SPF": "x"}, {"TXT": "NONE"}], "b.example": ["TIMEOUT", {"A": "192.0.2.1"}], "c.example": [{"CNAME": "b.example"}]}
    )
    assert zone(Question("a.example", "TXT")) == EMPTY
    assert zone(Question("b.example", "TXT")) == TIMEOUT
    assert zone(Question("c.example", "A")) == Answer("ok", ("192.0.2.1",))
    assert zone(Question("d.example", "A")) == NXDOMAIN
    assert Zone({"e.example": [{"CNAME": "e.example"}]})(Question("e.example", "A")) == TIMEOUT
    assert Zone({"f.example": [{"TXT": ["a", "b"]}, {"MX": [10, "G.example"]}]})(Question("f.example", "TXT")) == Answer("ok", (b"ab",))


def test_the_arc_suite(tmp_path: Path) -> None:
    sealed = SIGNER.seal(MESSAGE, 1).decode()
    tests = {
        "holds": {"message": sealed, "cv": "Pass"},
        "none": {"message": MESSAGE.decode(), "cv": "None"},
        "sealed_as_failed": {"message": SIGNER.seal(MESSAGE, 1, status="fail").decode(), "cv": "\n"},
        "expects_too_much": {"message": sealed.replace("Alice", "Mallory"), "cv": "Pass"},
    }
    keys = {"sel._domainkey.example.com": key_record(rsa_key(2048)).decode()}
    write(tmp_path, "arc-draft-validation-tests.yml", yaml.safe_dump({"tests": tests, "txt-records": keys}))
    write(tmp_path, "arc-draft-sign-tests.yml", yaml.safe_dump({"tests": {"one": {}, "two": {}}}))
    found = suite(tmp_path, "arc/arc-draft-val")
    assert (found.passed, found.failing) == (3, ["expects_too_much: pass expected, fail found"])
    assert suite(tmp_path, "arc/arc-draft-sign").skipped == 2


def test_the_mail_dkim_corpus(tmp_path: Path) -> None:
    key = key_record(rsa_key(2048)).decode()
    write(tmp_path, "t/FAKE_DNS.dat", f"# keys\nsel._domainkey.example.com  {key}\nslow._domainkey.example.com ~~Query timed out~~\n")
    lines = [
        ("good.txt", "pass"),
        ("bad.txt", "fail"),
        ("nokey.txt", "invalid"),
        ("slow.txt", "invalid"),
        ("old.txt", "pass"),
        ("wrong.txt", "fail"),
    ]
    write(tmp_path, "t/verifier.t", "".join(f'test_email("{name}", "{expected}"); # note\n' for name, expected in lines))
    signed = SIGNER.sign(MESSAGE)
    write(tmp_path, "t/corpus/good.txt", signed)
    write(tmp_path, "t/corpus/wrong.txt", signed)
    write(tmp_path, "t/corpus/bad.txt", signed.replace(b"noon", b"nine"))
    write(tmp_path, "t/corpus/nokey.txt", signed.replace(b"s=sel", b"s=none"))
    write(tmp_path, "t/corpus/slow.txt", signed.replace(b"s=sel", b"s=slow"))
    write(tmp_path, "t/corpus/old.txt", b"DomainKey-Signature: a=rsa-sha1\r\n" + MESSAGE)
    found = suite(tmp_path, "dkim/")
    assert (found.passed, found.skipped, found.failing) == (4, 1, ["wrong.txt: fail expected, pass found"])


def test_messages_with_their_zone_above(tmp_path: Path) -> None:
    key = b"sel._domainkey.example.com " + key_record(rsa_key(2048)) + b"\n\n"
    write(tmp_path, "resources/dkim/001.txt", key + SIGNER.sign(MESSAGE).replace(b"\r\n", b"\n"))
    write(tmp_path, "resources/dkim/002.txt", key + MESSAGE.replace(b"\r\n", b"\n"))
    write(tmp_path, "resources/arc/001.txt", key + SIGNER.seal(MESSAGE, 1).replace(b"\r\n", b"\n"))
    assert suite(tmp_path, "dkim/").failing == ["002.txt: pass expected,  found"]
    assert suite(tmp_path, "arc/").passed == 1


OPENDMARC = """
TEST_DMARC_PARSE_T dpp_test[] = {
  /* 1 */ {"v=DMARC1; p=none;", DMARC_PARSE_OKAY},
  /* 2 */ {"v=DMARC1; p=bob;", DMARC_PARSE_ERROR_BAD_VALUE},
  /* 3 */ {"v=DMARC1; p=none; pct=500;", DMARC_PARSE_ERROR_BAD_VALUE},
  {NULL, 0},
};
"""


def test_opendmarcs_tables(tmp_path: Path) -> None:
    write(tmp_path, "test_dmarc_parse.c", OPENDMARC)
    write(
        tmp_path,
        "test_alignment.c",
        '{"a.example.com", "example.com", DMARC_RECORD_A_RELAXED, 0},\n{"a.example.com", "example.com", DMARC_RECORD_A_STRICT, -1},',
    )
    write(tmp_path, "test_tld.c", '{"a.b.example.com", "example.com"},\n{"a.\\0xd8.example", "x"},')
    write(tmp_path, "test_finddomain.c", '{"\\"Doe, Jo <x@example.net>\\" <a@example.com>", "example.com"},')
    parse = suite(tmp_path, "dmarc/test_dmarc_parse")
    assert (parse.passed, parse.failing) == (2, ["v=DMARC1; p=none; pct=500;: refused expected, accepted found"])
    assert suite(tmp_path, "dmarc/test_alignment").passed == 2
    assert (suite(tmp_path, "dmarc/test_tld").passed, suite(tmp_path, "dmarc/test_tld").skipped) == (1, 1)
    assert suite(tmp_path, "dmarc/test_finddomain").passed == 1


MAILAUTH = """
describe('DMARC', () => {
    it('passes', async () => {
        const stub = (domain, type) => {
            if (type === 'TXT' && domain === '_dmarc.example.com') {
                return [['v=DMARC1; p=rej', 'ect']];
            }
        };
        const result = await verifyDmarc({ headerFrom: 'a@example.com', dkimDomains: [{ domain: 'example.com' }], spfDomains: [], resolver: stub });
        expect(result.status.result).to.equal('pass');
        expect(result.policy).to.equal('reject');
    });
    it('fails', async () => {
        const resolver = zoneResolver({
            '_dmarc.example.com': { TXT: [['v=DMARC1; p=none']] }
        });
        await verifyDmarc({ headerFrom: 'a@example.com', dkimDomains: ['example.net'], spfDomains: [], resolver });
        expect(result.status.result).to.equal('pass');
    });
    it('times out', async () => {
        err.code = 'ETIMEOUT';
        await verifyDmarc({ headerFrom: 'a@example.com', dkimDomains: [], spfDomains: [], resolver });
        expect(result.status.result).to.equal('temperror');
    });
    it('asks for something else', async () => {
        await verifyDmarc({ headerFrom: 'a@example.com' });
        expect(result.rr).to.be.ok;
    });
    describe.skip('later', () => {
        it('is not run', async () => {
            verifyDmarc();
        });
    });
    it('is run again', async () => {
        await verifyDmarc({ headerFrom: 'a@absent.example', dkimDomains: [], spfDomains: [] });
        expect(result.status.result).to.equal('none');
    });
});
"""


def test_mailauths_javascript(tmp_path: Path) -> None:
    write(tmp_path, "dmarc-verify-test.js", MAILAUTH)
    found = suite(tmp_path, "dmarc/")
    assert (found.passed, found.failing) == (3, ["fails: pass expected, fail found"])
    assert found.reasons == {"expects something that is not part of a result here": 1, "RFC 9989, which its own project skips too": 1}


def test_messages_are_read(tmp_path: Path) -> None:
    write(tmp_path, "mime/one/a.eml", MESSAGE)
    write(tmp_path, "mime/one/deep/b.txt", b"\0" * 100)
    write(tmp_path, "mime/top.eml", b"")
    write(tmp_path, "bounces/x/1", b"\xff\xfe")
    write(tmp_path, "elsewhere/c.eml", b"Subject: x\n\n")
    write(tmp_path, "elsewhere/readme.txt", b"not a message")
    seen: list[tuple[str, int, int]] = []
    report = vectors.run(tmp_path, progress=lambda name, done, total: seen.append((name, done, total)))
    assert {found.name: found.passed for found in report.suites} == {
        "read/bounces/x": 1,
        "read/messages elsewhere": 1,
        "read/mime": 1,
        "read/mime/one": 2,
    }
    assert [done for _, done, _ in seen] == [1, 2, 3, 4, 5]
    assert {total for *_, total in seen} == {5}
    assert (report.passed, report.failed, report.skipped) == (5, 0, 0)
    assert all(found.slowest for found in report.suites)
    text = vectors.as_text(report)
    assert "read/mime/one" in text and text.splitlines()[-1].startswith("slowest message: ")


def test_folders_that_are_none_or_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is no folder"):
        vectors.run(tmp_path / "absent")
    with pytest.raises(ValueError, match="holds no suite"):
        vectors.run(tmp_path)

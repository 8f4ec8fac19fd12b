"""A rule file: what is right is taken with its cases run, what is wrong is told with file, key and what to do."""

import pytest

from wardline.engine.rules.rulefile import RuleFileError, check_rule
from wardline.shipped import rule_names

KNOWN, VERDICTS, BY = rule_names()

GOOD = """
rule: many_failures
point: login
owner: ada
expires: 2027-03-01
counters:
  failures_network_10m: {count: login.outcome, by: ip.prefix24, where: 'result == "wrong_password"', window: 10m}
when: failures_network_10m > 20 and not ip.tor
verdict: challenge
obligations: [{challenge: totp_or_email, ttl_seconds: 600}]
reason: "{failures_network_10m} wrong passwords came from this network within ten minutes."
cases:
  - {given: {failures_network_10m: 21, ip.tor: false}, expect: hit}
  - {given: {failures_network_10m: 20, ip.tor: false}, expect: miss}
  - {given: {failures_network_10m: 21}, expect: unknown}
"""


def check(text: str) -> object:
    return check_rule(text.encode(), "r.yaml", KNOWN, VERDICTS, BY)


def test_a_sound_rule_is_taken_with_its_counters() -> None:
    file = check_rule(GOOD.encode(), "r.yaml", KNOWN, VERDICTS, BY)
    assert file.name == "many_failures"
    assert [counter.name for counter in file.counters] == ["failures_network_10m"]
    assert file.counters[0].window_seconds == 600
    assert file.expires_us == 1_803_945_600_000_000  # the end of that day


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rule: many_failures", "rule: Many Failures", "is no name"),
        ("point: login", "point: logins", "is no decision point"),
        ("owner: ada", "owner: ''", "whom to ask"),
        ("verdict: challenge", "verdict: explode", "none of allow, limit"),
        ("verdict: challenge", "verdict: allow", "happens anyway"),
        ("expires: 2027-03-01", "expires: soon", "expires"),
        ("owner: ada\n", "", "owner"),
        ("owner: ada", "ownr: ada", "ownr"),
        ("and not ip.tor", "and not ip.torr", "did you mean ip.tor"),
        ("> 20", "> 'twenty'", "r.yaml"),
        ("by: ip.prefix24", "by: ip.prefix25", "did you mean ip.prefix24"),
        ("window: 10m", "window: soon", "duration"),
        ("count: login.outcome", "cuont: login.outcome", "did you mean count"),
        ("{failures_network_10m} wrong", "{failures_10m} wrong", "failures_10m"),
        ("expect: miss", "expect: hit", "the rule gives miss where hit is expected"),
        ("given: {failures_network_10m: 20", "given: {failures: 20", "is no name that this rule may read"),
        ("obligations: [", "canary_by: nobody\nobligations: [", "canary_by"),
        ("when: failures_network_10m > 20 and not ip.tor", "when: [1, 2]", "when"),
    ],
)
def test_what_is_wrong_is_told(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(RuleFileError, match=r"r\.yaml") as error:
        check(GOOD.replace(old, new))
    assert told in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "- a\n- list",
        "rule: &a [*a]",
        "a: " + "[" * 5_000,
        "x" * 70_000,
        "\x00",
        "rule: !!python/object:os.system x",
        GOOD.replace("failures_network_10m > 20 and not ip.tor", " + ".join(["1"] * 20_000) + " > 1"),
        GOOD.replace("> 20 and not ip.tor", "> " + "(" * 300 + "1" + ")" * 300),
        GOOD.replace("failures_network_10m > 20 and not ip.tor", '"a" * 10**9 == "b"'),
    ],
    ids=["empty", "text", "list", "alias", "deep", "huge", "nul", "tag", "sum", "nested", "power"],
)
def test_hostile_files_are_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(RuleFileError, match=r"^r\.yaml: ") as error:
        check(text)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("text", [GOOD.encode("utf-16"), GOOD.encode().replace(b"wrong passwords", b"\xe4")])
def test_a_file_that_is_not_utf_8_is_refused(text: bytes) -> None:
    with pytest.raises(RuleFileError, match=r"^r\.yaml: not UTF-8 from byte \d+ on"):
        check_rule(text, "r.yaml", KNOWN, VERDICTS, BY)


def test_fields_of_the_operators_own_can_be_read() -> None:
    text = GOOD.replace("counters:", "fields: {plan: text}\ncounters:").replace("and not ip.tor", 'and field.plan == "free"')
    text = text.replace(", ip.tor: false}", ", field.plan: free}")
    assert check_rule(text.encode(), "r.yaml", KNOWN, VERDICTS, BY).names["field.plan"] == "text"

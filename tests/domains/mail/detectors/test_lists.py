"""lists: block, allow, contradiction."""

from wardline.domains.mail.detectors.lists import Lists


def test_block_and_allow_name_their_entries() -> None:
    block = Lists().judge({"list.block": ["b-17 (owner: postmaster)"], "list.allow": []})
    assert block.score is not None and block.score > 0.99 and "postmaster" in block.reason
    allow = Lists().judge({"list.allow": ["a-3"], "list.block": []})
    assert allow.score is not None and allow.score < 0.01 and "a-3" in allow.reason


def test_two_people_disagree_and_the_filter_stays_out() -> None:
    signal = Lists().judge({"list.allow": ["a-3"], "list.block": ["b-17"]})
    assert signal.score is None and "a-3" in signal.reason and "b-17" in signal.reason


def test_no_entry_no_opinion() -> None:
    assert Lists().judge({"list.allow": [], "list.block": []}).score is None

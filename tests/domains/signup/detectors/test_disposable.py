"""disposable: addresses of minutes."""

from wardline.domains.signup.detectors.disposable import Disposable


def test_only_what_a_source_says() -> None:
    found = Disposable().judge({"email.disposable": True}).score
    assert found is not None and 0.7 < found < 0.9
    assert Disposable().judge({"email.disposable": False}).score is None
    assert Disposable().judge({}).score is None

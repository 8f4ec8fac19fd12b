"""burst: several respects at once, and not one alone."""

from wardline.domains.signup.detectors.burst import Burst


def test_a_dormitory_is_one_respect() -> None:
    found = Burst().judge({"burst.network": 600.0, "burst.count": 90}).score
    assert found is not None and found < 0.66


def test_several_respects_add_up() -> None:
    one = Burst().judge({"burst.browser": 40.0}).score or 0.0
    two = Burst().judge({"burst.browser": 40.0, "burst.name_form": 30.0}).score or 0.0
    four = Burst().judge({"burst.browser": 99.0, "burst.name_form": 99.0, "burst.address_form": 99.0, "burst.network": 99.0}).score or 0.0
    assert one < two < four < 1.0 and two > 0.95


def test_chance_and_the_unknown_are_silent() -> None:
    assert Burst().judge({}).score is None
    assert Burst().judge({"burst.browser": 3.5, "burst.name_form": 6.8, "burst.network": None}).score is None


def test_the_form_of_the_name_and_of_the_address_made_of_it_are_one_respect() -> None:
    forms = Burst().judge({"burst.name_form": 40.0, "burst.address_form": 40.0})
    more = Burst().judge({"burst.name_form": 40.0, "burst.address_form": 40.0, "burst.browser": 40.0})
    assert forms.score is not None and more.score is not None
    assert forms.score < 0.7 < more.score


def test_a_class_at_one_place_with_one_browser_and_one_invitation_is_one_respect() -> None:
    values = {
        "burst.network": 90.0,
        "burst.place_browser": 80.0,
        "burst.browser": 60.0,
        "burst.invitation": 70.0,
        "burst.name_browser": 50.0,
    }
    found = Burst().judge({**values, "burst.address_browser": 20.0, "burst.count": 30}).score
    assert found is not None and found < 0.66
    forms = Burst().judge({**values, "burst.name_form": 30.0}).score
    assert forms is not None and forms > 0.9

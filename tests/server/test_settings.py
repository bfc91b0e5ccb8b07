"""What an operator sets, and what stops the start."""

from __future__ import annotations

import pytest

from server.settings import VARIABLES, SettingProblem, read_settings


def test_without_any_setting_it_serves_this_machine_only() -> None:
    settings = read_settings({})
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.host == "127.0.0.1"
    assert not settings.secure


def test_an_empty_setting_is_one_that_is_not_set() -> None:
    """Or an empty COPAGE_DATA would put the database into the folder the server was started from."""
    assert read_settings(dict.fromkeys(VARIABLES, " ")) == read_settings({})


def test_the_port_is_part_of_the_default_address() -> None:
    assert read_settings({"PORT": "9123"}).public_url == "http://127.0.0.1:9123"


@pytest.mark.parametrize(
    ("address", "said", "required"),
    [
        ("http://localhost:8000", "", False),
        ("http://127.0.0.1:8000", "required", True),
        ("https://127.0.0.1", "", False),
        ("https://pages.example.org", "", True),
        ("https://pages.example.org", "optional", False),
    ],
)
def test_the_second_step_is_required_unless_only_this_machine_is_served(
    address: str, said: str, required: bool
) -> None:
    settings = read_settings({"COPAGE_PUBLIC_URL": address, "COPAGE_SECOND_STEP": said})
    assert settings.second_step_required is required


def test_a_public_address_is_kept_without_its_slash() -> None:
    settings = read_settings({"COPAGE_PUBLIC_URL": "https://Pages.Example.org/"})
    assert settings.public_url == "https://pages.example.org"
    assert settings.secure


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PORT", "0"),
        ("COPAGE_PUBLIC_URL", "pages.example.org"),
        ("COPAGE_PUBLIC_URL", "http://pages.example.org"),
        ("COPAGE_PUBLIC_URL", "https://pages.example.org/clinic"),
        ("COPAGE_PUBLIC_URL", "https://alex:secret@pages.example.org"),
        ("COPAGE_PUBLIC_URL", "https://pages.example.org:port"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("COPAGE_PROXIES", "10.0.0.1, proxy"),
        ("COPAGE_SECOND_STEP", "no"),
        ("COPAGE_COMMANDS_PER_SECOND", "0"),
        ("COPAGE_COMMANDS_PER_SECOND", "many"),
        ("COPAGE_KEYFILE", "/etc/copage/key"),
    ],
)
def test_a_wrong_or_dangerous_setting_is_refused_in_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingProblem) as problem:
        read_settings({name: value})
    assert name in str(problem.value)
    assert "\n" not in str(problem.value)
    assert "secret" not in str(problem.value)

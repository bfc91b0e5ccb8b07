"""The clinic's file is checked as a whole: one clear line that names what to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.clinic import BUILT_IN, ClinicProblem, check, load_clinic

WHOLE = """
language = "en"
what_is_kept = ["All of it is deleted within a day."]
cut_off = "We call you."

[[help]]
name = "Our clinic"
when = "On weekdays from nine to five."
number = "+00 (0)00 / 000-000"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "ours.toml"
    file.write_text(text)
    return file


def test_a_whole_file_is_complete_and_its_number_can_be_dialled(tmp_path: Path) -> None:
    file = written(tmp_path, WHOLE)
    assert check(file) == []
    assert load_clinic(file).help[0].dialled == "+00000000000"


def test_a_zone_and_the_idle_minutes_have_their_usual_values(tmp_path: Path) -> None:
    clinic = load_clinic(written(tmp_path, WHOLE))
    assert (clinic.zone.key, clinic.idle_minutes) == ("UTC", 15)
    clinic = load_clinic(written(tmp_path, 'time_zone = "Europe/Vienna"\nidle_minutes = 5\n' + WHOLE))
    assert (clinic.zone.key, clinic.idle_minutes) == ("Europe/Vienna", 5)


def test_the_built_in_words_hold_no_number_and_the_check_says_so() -> None:
    assert not any(line.number for line in load_clinic(None).help)
    assert [problem for problem in check(None) if "has no number yet" in problem] == check(None) != []
    assert load_clinic(BUILT_IN) == load_clinic(None)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('cut_off = "We call you."', "", "cut_off"),
        ('cut_off = "We call you."', "cut_off = 3", "cut_off"),
        ('cut_off = "We call you."', 'cut_off = ""', "cut_off"),
        ('cut_off = "We call you."', 'cut_off = "We call you."\ncutoff = "no"', "cutoff"),
        ('number = "+00 (0)00 / 000-000"', 'number = "call us"', "help[0].number"),
        ('name = "Our clinic"', "name = true", "help[0].name"),
        ('language = "en"', 'language = "English"', "language"),
        ("[[help]]", "[[hilfe]]", "hilfe"),
        ('language = "en"', 'language = "en"\ntime_zone = "Mars/Olympus"', "time_zone"),
        ('language = "en"', 'language = "en"\ntime_zone = "../UTC"', "time_zone"),
        ('language = "en"', 'language = "en"\nidle_minutes = 4', "idle_minutes"),
        ('language = "en"', 'language = "en"\nidle_minutes = 121', "idle_minutes"),
        ('language = "en"', "language = ", "line 2"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert WHOLE.count(old) == 1
    file = written(tmp_path, WHOLE.replace(old, new))
    [problem] = check(file)
    assert named in problem and "ours.toml" in problem and "\n" not in problem
    with pytest.raises(ClinicProblem):
        load_clinic(file)


def test_a_file_that_is_not_there_or_not_text_is_named_too(tmp_path: Path) -> None:
    assert check(tmp_path / "none.toml") != []
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert check(tmp_path / "bytes.toml") == ["bytes.toml: is not text in UTF-8"]

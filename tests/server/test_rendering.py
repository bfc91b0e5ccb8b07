"""What every page is made with."""

from __future__ import annotations

from pathlib import Path

from server.clinic import load_clinic
from server.pages import Assets, Pages
from server.pages.qr import qr
from server.settings import read_settings
from server.words import Words

CLINIC = """
language = "en"
time_zone = "Europe/Vienna"
what_is_kept = ["Nothing."]
cut_off = "We call you."

[[help]]
name = "Our clinic"
when = "On weekdays."
"""


def test_a_time_is_said_on_the_clinics_clock_and_can_be_said_anew_by_the_script(tmp_path: Path) -> None:
    file = tmp_path / "clinic.toml"
    file.write_text(CLINIC)
    pages = Pages(read_settings({}), Words("en"), load_clinic(file), Assets())
    assert pages.when(1_795_617_000_000).__html__() == (
        '<time datetime="2026-11-25T14:30:00+00:00" data-copage="time" data-zone="Europe/Vienna">'
        "2026-11-25 15:30</time>"
    )


def test_a_picture_for_cameras_is_drawn_without_anything_that_the_policy_refuses() -> None:
    drawn = qr("https://pages.example.org/welcome/" + "a" * 32)
    assert drawn.startswith("<svg") and 'class="qr"' in drawn and 'fill="#fff"' in drawn
    assert not any(refused in drawn for refused in ("style=", "<script", "href="))

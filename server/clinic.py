"""What the clinic itself says and decides: one file, checked as a whole before anything is served."""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from pathlib import Path
from typing import Annotated

import msgspec

BUILT_IN = Path(__file__).with_name("clinic.toml")

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Number = Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 ()/-]{1,30}$|^$")]


class ClinicProblem(Exception):
    """The file cannot be used. The text is one line that names the file and the field."""


class HelpLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to call. An empty `number`: `when` says how to get one."""

    name: Line
    when: Line
    number: Number = ""

    @property
    def dialled(self) -> str:
        """The number as a telephone takes it."""
        return re.sub(r"[^0-9+]", "", self.number)


class Clinic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`what_is_kept`: short sentences on the door. `cut_off`: who calls whom when the connection is lost.

    `time_zone`: the one that times of day are shown in. `idle_minutes`: after so long without use staff are signed out.
    """

    language: Language
    help: Annotated[tuple[HelpLine, ...], msgspec.Meta(min_length=1, max_length=6)]
    what_is_kept: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=6)]
    cut_off: Line
    time_zone: str = "UTC"
    idle_minutes: Annotated[int, msgspec.Meta(ge=5, le=120)] = 15

    def __post_init__(self) -> None:
        if self.time_zone not in zoneinfo.available_timezones():
            raise ValueError("time_zone: is not the name of a time zone, like Europe/London")

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


def load_clinic(file: Path | None) -> Clinic:
    """The clinic's words; the built-in, general ones when `file` is None.

    Raises:
        ClinicProblem: show its one line, and stop.
    """
    path = file or BUILT_IN
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Clinic, strict=True)
    except OSError as error:
        raise ClinicProblem(f"{path.name}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ClinicProblem(f"{path.name}: is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ClinicProblem(f"{path.name}: {error}") from None
    except msgspec.ValidationError as error:
        raise ClinicProblem(f"{path.name}: {_naming_the_field(str(error))}") from None


def check(file: Path | None) -> list[str]:
    """What is wrong or still missing, one line each; empty when the file is complete."""
    try:
        clinic = load_clinic(file)
    except ClinicProblem as problem:
        return [str(problem)]
    name = (file or BUILT_IN).name
    return [f"{name}: help line {line.name!r} has no number yet" for line in clinic.help if not line.number]


def _naming_the_field(message: str) -> str:
    """msgspec says where as `$.help[0].number`; a person looks for `help[0].number`."""
    said, _, place = message.partition(" - at `$.")
    said = re.sub(r"(?s)Expected `str` matching regex .*", "is not written as it has to be", said)
    return f"{place.rstrip('`')}: {said}" if place else said

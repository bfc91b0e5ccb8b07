"""Trying it with a phone beside the laptop: a certificate made on the spot, and a house that is reached by it."""

from __future__ import annotations

import hashlib
import re
import ssl
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import httpx2
import pytest
import segno
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from server.certificate import CLOCKS_DIFFER, LIVES, STILL_GOOD, certificate_for
from server.phone import PhoneProblem, own_address
from server.settings import SettingProblem, for_phone
from tests.house import House
from tests.visitor import Visitor

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
KITCHEN = "192.168.1.7"
CAFE = "10.0.0.12"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "phone.pem"


# --- the certificate ---


def test_it_names_the_address_and_nothing_else_for_thirty_days(file: Path) -> None:
    certificate_for(KITCHEN, file, NOON)
    made = x509.load_pem_x509_certificate(file.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == [KITCHEN]
    assert (made.not_valid_before_utc, made.not_valid_after_utc) == (NOON - CLOCKS_DIFFER, NOON + LIVES)
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def test_its_key_is_for_its_owner_only_and_nothing_is_left_beside_it(file: Path) -> None:
    file.with_suffix(".new").write_text("of a start that was killed")
    certificate_for(KITCHEN, file, NOON)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_it_is_kept_while_it_is_good_for_another_day(file: Path) -> None:
    made = certificate_for(KITCHEN, file, NOON)
    later = certificate_for(KITCHEN, file, NOON + LIVES - STILL_GOOD)
    assert later.fingerprint == made.fingerprint


@pytest.mark.parametrize(
    ("address", "now"),
    [
        (CAFE, NOON),
        (KITCHEN, NOON + LIVES - STILL_GOOD + timedelta(seconds=1)),
        (KITCHEN, NOON - timedelta(days=2)),
    ],
    ids=["in another network", "nearly over", "the clock was wrong"],
)
def test_it_is_made_anew_when_it_would_not_do(file: Path, address: str, now: datetime) -> None:
    old = certificate_for(KITCHEN, file, NOON)
    new = certificate_for(address, file, now)
    assert new.fingerprint != old.fingerprint
    assert certificate_for(address, file, now).fingerprint == new.fingerprint


def test_it_is_made_anew_when_there_is_none_in_the_file(file: Path) -> None:
    file.write_text("what an editor left")
    assert certificate_for(KITCHEN, file, NOON).fingerprint == certificate_for(KITCHEN, file, NOON).fingerprint


def test_nothing_older_than_tls_1_2_is_spoken(file: Path) -> None:
    assert certificate_for(KITCHEN, file, NOON).tls.minimum_version == ssl.TLSVersion.TLSv1_2


# --- the address ---


def test_the_own_address_is_that_of_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.phone.ELSEWHERE", "127.0.0.1")
    assert own_address() == "127.0.0.1"


def test_a_machine_in_no_network_is_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    # With or without a network, the system knows no way there for an ordinary socket.
    monkeypatch.setattr("server.phone.ELSEWHERE", "255.255.255.255")
    with pytest.raises(PhoneProblem, match="in no network: join the one that the phone is in") as problem:
        own_address()
    assert "\n" not in str(problem.value)


def test_everybody_comes_by_the_address_in_the_network() -> None:
    settings = for_phone({"PORT": "9123"}, KITCHEN)
    assert settings.public_url == "https://192.168.1.7:9123"
    assert settings.host == "0.0.0.0"
    assert settings.secure and not settings.https_for_good


@pytest.mark.parametrize("name", ["COPAGE_PUBLIC_URL", "COPAGE_HOST"])
def test_two_answers_to_where_it_is_do_not_go_together(name: str) -> None:
    value = {"COPAGE_PUBLIC_URL": "https://pages.example.org", "COPAGE_HOST": "127.0.0.1"}[name]
    with pytest.raises(SettingProblem, match=f"{name} and --phone, .* do not go together") as problem:
        for_phone({name: value}, KITCHEN)
    assert "\n" not in str(problem.value)
    assert for_phone({name: " "}, KITCHEN) == for_phone({}, KITCHEN)


# --- a house that is reached by it ---


@pytest.fixture(scope="module")
async def kitchen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    house = House(tmp_path_factory.mktemp("kitchen") / "data", phone=True)
    await house.start()
    yield house
    await house.stop()


async def test_what_is_printed_brings_the_phone_in(kitchen: House) -> None:
    printed = kitchen.output
    assert kitchen.link.startswith(f"{kitchen.url}/start/")
    assert f"The address is {kitchen.url} " in printed
    drawn = StringIO()
    segno.make_qr(kitchen.link).terminal(out=drawn, compact=True)
    assert drawn.getvalue() in re.sub(r"\033\[[\d;]*m", "", printed)
    shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", kitchen.port)))
    assert fingerprint(shown) in printed
    assert "Press Advanced, then Proceed" in printed


def fingerprint(certificate: bytes) -> str:
    """As browsers show it."""
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(certificate).digest())


async def test_nobody_else_vouches_for_it(kitchen: House) -> None:
    async with httpx2.AsyncClient(base_url=kitchen.url) as stranger:
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get("/")
    assert "SSL" not in kitchen.output, "nothing that a phone's own warning would not say"


async def test_a_page_comes_and_browsers_are_not_told_to_insist_on_https(kitchen: House) -> None:
    async with Visitor(kitchen) as sam:
        page = await sam.looks_at("/check")
    assert page.status_code == 200
    assert "strict-transport-security" not in page.headers
    assert f"wss://127.0.0.1:{kitchen.port}" in page.headers["content-security-policy"]


async def test_a_form_is_taken_from_its_own_page_only(kitchen: House) -> None:
    async with Visitor(kitchen) as sam:
        assert (await sam.sends("/check/answer")).text == "here\n"
        for other in ("null", "https://127.0.0.1", f"http://127.0.0.1:{kitchen.port}"):
            refused = await sam.sends_from(other, "/check/answer")
            assert refused.status_code == 403 and "[wrong_origin]" in refused.text


async def test_a_cookie_is_for_https_only(kitchen: House) -> None:
    async with Visitor(kitchen) as alex:
        answer = await alex.sends(f"{kitchen.new_link()}/account", login="a", password="short")
    assert answer.status_code == 422
    assert "; Secure" in answer.headers["set-cookie"]


async def test_a_socket_opens_and_brings_something(kitchen: House) -> None:
    address = f"wss://127.0.0.1:{kitchen.port}/check/socket"
    async with connect(address, origin=Origin(kitchen.url), ssl=kitchen.trust, proxy=None) as socket:
        assert await socket.recv() == "here"
    with pytest.raises(InvalidStatus, match="403"):
        await connect(address, origin=Origin("https://example.org"), ssl=kitchen.trust, proxy=None)


async def test_started_again_it_has_the_same_certificate(kitchen: House) -> None:
    await kitchen.stop()
    await kitchen.start()
    first, second = re.findall(r"to compare: (\S+)", kitchen.output)
    assert first == second


async def test_a_wrong_start_says_one_line(tmp_path: Path) -> None:
    house = House(tmp_path / "data", environ={"COPAGE_HOST": "127.0.0.1"}, phone=True)
    process = await house.command("serve", "--phone")
    said, _ = await process.communicate()
    assert process.returncode == 2
    assert said.decode().splitlines() == [
        "copage: COPAGE_HOST and --phone, which finds the address by itself, do not go together: leave one out"
    ]
    assert not house.data.exists()

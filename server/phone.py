"""`serve --phone`: what a phone beside this machine needs to find it."""

from __future__ import annotations

import io
import socket
from typing import Final

import segno

ELSEWHERE: Final = "192.0.2.1"
"""An address of documentation: nobody has it, so the way to it is the way out of this machine."""
WHITE_ON_BLACK: Final = "\033[97;40m"
AS_BEFORE: Final = "\033[0m"


class PhoneProblem(Exception):
    """No phone can reach this machine. The text is one line."""


def own_address() -> str:
    """This machine's address in the local network; of several, that of the way out. Nothing is sent.

    Raises:
        PhoneProblem: it is in no network.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((ELSEWHERE, 9))
        except OSError:
            raise PhoneProblem(
                "this machine is in no network: join the one that the phone is in, and start again"
            ) from None
        return str(probe.getsockname()[0])


def invitation(url: str, link: str, fingerprint: str) -> list[str]:
    """The lines that bring a phone to `link`, a page of `url`."""
    return [
        f"The address is {url} on this machine and in its network. For a phone's camera:",
        *_drawn(link),
        "The browser will warn, because the certificate was made here. "
        "Press Advanced, then Proceed; on an iPhone Show Details, then visit this website.",
        f"The certificate's SHA-256 fingerprint, to compare: {fingerprint}",
    ]


def _drawn(link: str) -> list[str]:
    """A QR code in half blocks. In colours of its own, or a light terminal would turn it inside out."""
    blocks = io.StringIO()
    segno.make_qr(link, error="l").terminal(out=blocks, compact=True)
    return [f"{WHITE_ON_BLACK}{line}{AS_BEFORE}" for line in blocks.getvalue().splitlines()]

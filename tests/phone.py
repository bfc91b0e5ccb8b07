"""`python -m tests.phone serve --phone`: what `python -m server` does, in a network that is this machine alone."""

from __future__ import annotations

import sys

import pytest

from server.__main__ import main

if __name__ == "__main__":
    pytest.MonkeyPatch().setattr("server.phone.ELSEWHERE", "127.0.0.1")
    sys.exit(main())

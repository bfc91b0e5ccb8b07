"""A picture that a phone's camera reads, drawn here: no other server learns what it says."""

from __future__ import annotations

from functools import lru_cache

import segno
from markupsafe import Markup


@lru_cache(maxsize=256)
def qr(text: str) -> Markup:
    """`text` as an SVG element without a size of its own: the class `qr` in the style sheet gives it one."""
    drawn = segno.make(text, error="m", micro=False)
    return Markup(drawn.svg_inline(omitsize=True, border=4, svgclass="qr", lineclass=None, light="#fff"))

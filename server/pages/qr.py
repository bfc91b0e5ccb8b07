"""A picture that a phone's camera reads, drawn here: no other server learns what it says."""

from __future__ import annotations

import segno

from server.pages.rendering import Html


def qr(text: str) -> Html:
    """`text` as an SVG element without a size of its own: the class `qr` in the style sheet gives it one."""
    drawn = segno.make(text, error="m", micro=False)
    return Html(drawn.svg_inline(omitsize=True, border=4, svgclass="qr", lineclass=None, light="#fff"))

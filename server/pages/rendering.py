"""How a page is made: templates, the words of one language, the clinic's own words, the built files."""

from __future__ import annotations

from datetime import UTC, datetime

import jinja2
import msgspec
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from server.clinic import Clinic
from server.pages.assets import ROOT, Assets
from server.settings import Settings
from server.words import Words

FIELDS = 16
"""What a form of ours may hold at most."""


class Pages:
    """Makes pages. What every page needs is given once, here."""

    def __init__(self, settings: Settings, words: Words, clinic: Clinic, assets: Assets) -> None:
        self.settings = settings
        self.words = words
        self._zone = clinic.zone
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(ROOT),
            autoescape=True,
            auto_reload=False,  # A page does not change under a running server while its code is being updated.
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.policies["ext.i18n.trimmed"] = True
        # The notes of a long session are in the page: this is many times as quick. jinja2 escapes what HTML would read.
        self._environment.policies["json.dumps_function"] = lambda value, **_: msgspec.json.encode(value).decode()
        words.install(self._environment)
        self._environment.globals.update(
            asset=assets.address, clinic=clinic, language=words.language, name_shown=settings.name_shown, when=self.when
        )

    def when(self, ms: int) -> Markup:
        """A time (milliseconds since 1970, UTC) on the clinic's clocks. The script says it in the page's language."""
        at = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
        html = Markup('<time datetime="{}" data-copage="time" data-zone="{}">{}</time>')
        return html.format(at, self._zone.key, self.plain_time(ms))

    def plain_time(self, ms: int) -> str:
        """The same as text, for a message that people send."""
        return datetime.fromtimestamp(ms / 1000, self._zone).strftime("%Y-%m-%d %H:%M")

    def show(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page of the site. `template` without its ending; `values` for its places."""
        html = self._environment.get_template(f"{template}.html").render(nonce=request.scope["copage.nonce"], **values)
        return HTMLResponse(html, status)

    def plain(self, request: Request, sentence: str, status: int) -> HTMLResponse:
        """A page with one sentence that says what to do next."""
        return self.show(request, "sentence", status, sentence=sentence)


def to(address: str) -> Response:
    """Go on to `address` with a GET: the answer to every form that did what it was for."""
    return RedirectResponse(address, 303)


async def have_form(request: Request) -> None:
    """Before it is asked who sends a form, have all of it: that may take half a minute, and they be out by then."""
    if request.method == "POST":
        await form_of(request)


async def form_of(request: Request) -> FormData:
    """The form that was sent. Other ways of writing one than that of our pages are refused, and more fields than any
    form of ours has."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded"):
        raise HTTPException(415)
    return await request.form(max_files=0, max_fields=FIELDS)


def field(form: FormData, name: str) -> str:
    """What was written into a field; empty when it is not there."""
    value = form.get(name, "")
    if not isinstance(value, str):
        raise HTTPException(400)
    return value


def fields(form: FormData, name: str) -> list[str]:
    """What was chosen of several; empty when nothing was."""
    return [value for value in form.getlist(name) if isinstance(value, str)]

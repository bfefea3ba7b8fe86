"""The table of markup through both adapters, in pieces, as an application would send it."""

from collections.abc import Iterable

import pytest

from dntguard.asgi import DNTGuardMiddleware as ASGIGuard
from dntguard.purposes import OPTIONAL_PURPOSES
from dntguard.wsgi import DNTGuardMiddleware as WSGIGuard
from dntguard.wsgi import Environ, StartResponse
from tests.cases_markup import ALL, Case
from tests.drive import body, drive_asgi, drive_wsgi, environ_of, http_scope, joined, sends, start
from tests.strategies import cut

HTML = (b"content-type", b"text/html")


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.says)
def test_a_case_comes_out_of_the_asgi_middleware_as_the_table_says(case: Case) -> None:
    messages = [start(HTML), *(body(piece, more=True) for piece in cut(case.html, [11])), body(b"")]
    scope = http_scope([(b"host", b"shop.example"), (b"sec-gpc", b"1")], scheme="https", path="/shelf/page.html")
    app = ASGIGuard(sends(*messages), gpc_refuses=OPTIONAL_PURPOSES)
    assert joined(drive_asgi(app, scope)) == case.out


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.says)
def test_a_case_comes_out_of_the_wsgi_middleware_as_the_table_says(case: Case) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [(HTML[0].decode(), HTML[1].decode())])
        return iter(cut(case.html, [13]))

    environ = environ_of(("HTTP_DNT", "1"), PATH_INFO="/shelf/page.html", **{"wsgi.url_scheme": "https"})
    assert drive_wsgi(WSGIGuard(app, dnt_refuses=OPTIONAL_PURPOSES), environ).body == case.out

"""Django: settings, request, templates, decorators, caches, responses of every kind, and system checks."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.exceptions import TemplateSyntaxError
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers

import examples.django_app  # noqa: F401  # configures Django
from dntguard import Consent, Policy, current_consent
from dntguard.errors import NoConsentError, PolicyError
from dntguard.exchange import Exchange, Guard
from dntguard.integrations.django.decorators import dntguard_exempt, requires_consent, vary_on_consent
from dntguard.integrations.django.middleware import DNTGuardMiddleware
from dntguard.integrations.django.requests import GuardedRequest, get_consent
from dntguard.report import Report

GUARD = "dntguard.integrations.django.middleware.DNTGuardMiddleware"
TRACKER = b"<script src=https://static.hotjar.com/h.js></script>"
PAGE = b"<p>one</p>" + TRACKER + b"<p>two</p>"
REWRITTEN = b"<p>one</p><!----><p>two</p>"
GPC = {"Sec-GPC": "1"}

Visit = Callable[..., Any]


@contextmanager
def site(*views: Any, middleware: tuple[str, ...] = (GUARD,), **settings: Any) -> Iterator[Client]:
    """A site of these views, at `/0`, `/1` and so on; its test client."""
    cache.clear()
    patterns = tuple(path(str(number), view) for number, view in enumerate(views))
    with override_settings(ROOT_URLCONF=patterns, MIDDLEWARE=list(middleware), **settings):
        yield Client()


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


def consenting(request: GuardedRequest) -> HttpResponse:
    return HttpResponse(str(request.consent.analytics), content_type="text/plain")


def body(response: Any) -> bytes:
    return b"".join(response)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"third_party": "keep"}, Policy(third_party="keep")])
def test_the_setting_is_a_mapping_or_a_policy(settings: object) -> None:
    unclaimed = b"<script src=//nobody.example/x.js></script>"
    with site(lambda request: HttpResponse(unclaimed), DNTGUARD=settings) as client:
        assert client.get("/0", headers=GPC).content == unclaimed


def test_without_the_setting_the_defaults_count() -> None:
    with site(page) as client:
        from django.conf import settings  # noqa: PLC0415  # as a site without the setting

        with override_settings():
            del settings.DNTGUARD
            assert client.get("/0", headers=GPC).content == REWRITTEN


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"modes": "never"}, "option 'modes': no such option, got 'never'; did you mean 'mode'?"),
        (["mode"], "option 'DNTGUARD': not a mapping of options, got ['mode']; write DNTGUARD = {"),
    ],
)
def test_a_wrong_setting_is_an_error_at_start_and_in_the_checks(settings: object, said: str) -> None:
    with site(page, DNTGUARD=settings) as client:
        with pytest.raises(PolicyError) as caught:
            client.get("/0")
        with pytest.raises(PolicyError):
            WSGIHandler()
        (error,) = run_checks(tags=["dntguard"])
    assert said in str(caught.value)
    assert (error.id, said in error.msg) == ("dntguard.E001", True)


def test_with_explain_a_response_says_what_was_done_to_it() -> None:
    def timed(request: HttpRequest) -> HttpResponse:
        return HttpResponse(PAGE, headers={"Server-Timing": "db;dur=53"})

    with site(timed, dntguard_exempt(timed), DNTGUARD={"explain": True}) as client:
        response = client.get("/0", headers=GPC)
        assert response.content == b"<p>one</p><!-- dntguard: hotjar --><p>two</p>"
        assert response["X-DNTGuard"] == "source=signal, refused=(analytics marketing), removals=1"
        assert response["Server-Timing"].startswith("db;dur=53, dntguard;dur=")
        assert "X-DNTGuard" not in client.get("/1", headers=GPC).headers


# --- the request ------------------------------------------------------------------------------------------------------


def test_a_view_has_the_consent_and_only_who_looks_at_it_varies() -> None:
    def plain(request: GuardedRequest) -> HttpResponse:
        return HttpResponse("x", content_type="text/plain")

    with site(consenting, plain) as client:
        assert client.get("/0").content == b"True"
        refused = client.get("/0", headers=GPC)
        assert (refused.content, refused["Vary"]) == (b"False", "DNT, Sec-GPC")
        assert "Vary" not in client.get("/1").headers


def test_the_consent_is_everywhere_the_same_object() -> None:
    def view(request: GuardedRequest) -> HttpResponse:
        assert request.consent is current_consent() is get_consent(request)
        assert isinstance(request, GuardedRequest)
        return HttpResponse(type(request).__name__)

    with site(view) as client:
        assert client.get("/0").content == b"WSGIRequest"


def test_a_request_that_the_middleware_has_not_handled_is_told_how() -> None:
    with pytest.raises(NoConsentError, match="first in MIDDLEWARE"):
        get_consent(RequestFactory().get("/"))


def test_the_site_is_the_one_that_django_knows_behind_its_proxy() -> None:
    own = b"<script src=https://cdn.shop.example/x.js></script>"
    with site(lambda request: HttpResponse(own), USE_X_FORWARDED_HOST=True) as client:
        headers = {**GPC, "X-Forwarded-Host": "www.shop.example"}
        assert client.get("/0", headers=headers).content == own
        assert client.get("/0", headers=GPC).content == b"<!---->"


def test_a_host_of_the_proxys_that_django_does_not_serve_makes_every_host_foreign() -> None:
    """Django's own error page is made of it, if anybody asks for the host."""
    own = b"<script src=https://cdn.shop.example/x.js></script>"
    with site(lambda request: HttpResponse(own), USE_X_FORWARDED_HOST=True, ALLOWED_HOSTS=["other.example"]) as client:
        answer = client.get("/0", headers={**GPC, "X-Forwarded-Host": "www.shop.example"})
        assert (answer.status_code, answer.content) == (200, b"<!---->")


def test_a_host_that_django_does_not_serve_gets_its_error_page() -> None:
    with site(page, ALLOWED_HOSTS=["shop.example"]) as client:
        assert client.get("/0", headers={"Host": "other.example", **GPC}).status_code == 200
        client.raise_request_exception = False
        with site(lambda request: HttpResponse(request.get_host()), ALLOWED_HOSTS=["shop.example"]) as strict:
            assert strict.get("/0", headers={"Host": "other.example", **GPC}).status_code == 400


def test_what_was_read_of_the_cookies_before_is_read_again() -> None:
    class Before:
        def __init__(self, get_response: Visit) -> None:
            self.get_response = get_response

        def __call__(self, request: HttpRequest) -> HttpResponse:
            assert "_ga" in request.COOKIES
            assert "_ga" in request.headers["Cookie"]
            response: HttpResponse = self.get_response(request)
            return response

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"{sorted(request.COOKIES)} {request.headers['Cookie']}", content_type="text/plain")

    before = f"{__name__}.Before"
    globals()["Before"] = Before
    with site(view, middleware=(before, GUARD)) as client:
        answer = client.get("/0", headers={**GPC, "Cookie": "_ga=1; a=2"})
        assert answer.content == b"['a'] a=2"


def test_a_request_of_a_sites_own_test_is_a_request() -> None:
    request = HttpRequest()
    request.META.update(HTTP_SEC_GPC="1", HTTP_COOKIE="_ga=1; a=2", SERVER_NAME="testserver", SERVER_PORT="80")
    answer: Any = DNTGuardMiddleware(page)(request)
    assert answer.content == REWRITTEN
    assert request.META["HTTP_COOKIE"] == "a=2"


def test_a_cookie_that_no_header_can_carry_is_left_for_the_server_to_complain_about() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(PAGE)
        response.cookies["euro"] = "\u20ac"
        return response

    with site(view) as client:
        answer = client.get("/0", headers=GPC)
        assert (answer.content, answer.cookies["euro"].value) == (REWRITTEN, "\u20ac")


# --- cookies ----------------------------------------------------------------------------------------------------------


def test_refused_cookies_go_and_all_others_stay_as_django_writes_them() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(PAGE)
        response.set_cookie("session", "1", httponly=True, samesite="Lax")
        response.set_cookie("_ga", "2", max_age=60)
        response.headers["X-Own"] = "1"
        return response

    with site(view) as client:
        answer = client.get("/0", headers={**GPC, "Host": "www.shop.example", "Cookie": "_ga=1; session=1"})
        lines = [morsel.OutputString() for morsel in answer.cookies.values()]
        assert lines == [
            "session=1; HttpOnly; Path=/; SameSite=Lax",
            "_ga=; Max-Age=0; Path=/",
            "_ga=; Domain=shop.example; Max-Age=0; Path=/",
            "_ga=; Domain=www.shop.example; Max-Age=0; Path=/",
        ]
        assert answer["X-Own"] == "1"
        secure = client.get("/0", headers={**GPC, "Cookie": "_ga=1"}, secure=True)
        assert all(morsel["secure"] for name, morsel in secure.cookies.items() if name != "session")


def test_a_cookie_whose_name_django_cannot_write_is_hidden_and_not_expired() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.META.get("HTTP_COOKIE", "none"))

    with site(view, DNTGUARD={"block_cookies": ["odd[name]"]}) as client:
        answer = client.get("/0", headers={"Cookie": "odd[name]=1"})
        assert (answer.content, list(answer.cookies)) == (b"none", [])


def test_a_refused_cookie_in_a_header_of_its_own_goes_too() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(PAGE, headers={"Set-Cookie": "_ga=1"})

    with site(view) as client:
        assert "Set-Cookie" not in client.get("/0", headers=GPC).headers
        assert client.get("/0")["Set-Cookie"] == "_ga=1"


def test_a_needed_cookie_in_a_header_of_its_own_stays_beside_a_refused_one() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(PAGE, headers={"Set-Cookie": "session=1"})
        response.set_cookie("_ga", "2")
        return response

    with site(view) as client:
        answer = client.get("/0", headers=GPC)
        assert (answer["Set-Cookie"], list(answer.cookies)) == ("session=1", [])


# --- templates --------------------------------------------------------------------------------------------------------

REQUIRES = (
    '{% load dntguard %}{% requires "analytics" %}counted{% else %}not counted{% endrequires %}'
    "{% requires purpose %} chosen{% endrequires %}"
)


def rendered(text: str, request: HttpRequest | None = None, **context: object) -> str:
    return str(engines["django"].from_string(text).render({"purpose": "functional", **context}, request))


def test_templates_have_the_consent_and_require_it() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(rendered(REQUIRES + " {{ consent.source }}", request), content_type="text/plain")

    with site(view) as client:
        assert client.get("/0").content == b"counted chosen policy"
        assert client.get("/0", headers=GPC).content == b"not counted chosen signal"


def test_all_of_several_purposes_are_required() -> None:
    both = '{% load dntguard %}{% requires "functional" "analytics" %}both{% else %}not both{% endrequires %}'
    with site(lambda request: HttpResponse(rendered(both, request))) as client:
        assert client.get("/0").content == b"both"
        assert client.get("/0", headers=GPC).content == b"not both"


def test_a_template_without_the_context_processor_asks_the_request() -> None:
    template = {"BACKEND": "django.template.backends.django.DjangoTemplates"}

    def view(request: HttpRequest) -> HttpResponse:
        given = rendered(REQUIRES, request)
        by_name = str(engines["django"].from_string(REQUIRES).render({"purpose": "functional", "request": request}))
        anywhere = rendered(REQUIRES)
        return HttpResponse(f"{given}, {by_name}, {anywhere}", content_type="text/plain")

    with site(view, TEMPLATES=[template]) as client:
        said = "not counted chosen"
        assert client.get("/0", headers=GPC).content.decode() == f"{said}, {said}, {said}"


def test_outside_of_a_request_nobody_has_granted_anything() -> None:
    assert rendered(REQUIRES) == "not counted"
    assert rendered("{{ consent.analytics }}", RequestFactory().get("/")) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{% requires "analitycs" %}{% endrequires %}', "no such purpose: 'analitycs'; choose from \"necessary\""),
        ("{% requires %}{% endrequires %}", "needs a purpose"),
    ],
)
def test_a_wrong_purpose_in_a_template_is_an_error_when_it_is_read(text: str, said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=said):
        rendered("{% load dntguard %}" + text)


# --- decorators -------------------------------------------------------------------------------------------------------


def cookies_seen(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE + str(sorted(request.COOKIES)).encode())


class Exempt(View):
    @method_decorator(dntguard_exempt)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return cookies_seen(request)


@pytest.mark.parametrize(
    "view", [dntguard_exempt(cookies_seen), cache_page(60)(dntguard_exempt(cookies_seen)), Exempt.as_view()]
)
def test_an_exempt_view_sees_and_sends_everything(view: Any) -> None:
    with site(view) as client:
        for _ in range(2):
            answer = client.get("/0", headers={**GPC, "Cookie": "_ga=1; a=2"})
            assert answer.content == PAGE + b"['_ga', 'a']"
            assert not answer.cookies
            assert "Vary" not in answer.headers


def test_a_view_that_requires_consent_is_refused_to_those_who_refuse() -> None:
    def otherwise(request: HttpRequest) -> HttpResponse:
        return HttpResponse("otherwise")

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("counted")

    with site(
        requires_consent("analytics", "functional")(view), requires_consent("marketing", otherwise=otherwise)(view)
    ) as client:
        for number, status, said in ((0, 403, b"403 Forbidden"), (1, 200, b"otherwise")):
            granted, refused = client.get(f"/{number}"), client.get(f"/{number}", headers=GPC)
            assert (granted.status_code, granted.content) == (200, b"counted")
            assert refused.status_code == status
            assert said in refused.content
            assert granted["Vary"] == refused["Vary"] == "DNT, Sec-GPC"


def test_a_purpose_that_is_none_is_an_error_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="analitycs"):
        requires_consent("analitycs")
    with pytest.raises(ValueError, match="no purpose"):
        requires_consent()


def test_asynchronous_views_are_decorated_alike() -> None:
    async def counted(request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"counted")

    async def exempt(request: HttpRequest) -> HttpResponse:
        return cookies_seen(request)

    with site(requires_consent("analytics")(counted), dntguard_exempt(exempt), vary_on_consent(counted)):
        client = AsyncClient()

        async def get(where: str, **headers: str) -> Any:
            return await client.get(where, headers={name.replace("_", "-"): value for name, value in headers.items()})

        async def visits() -> list[Any]:
            return [await get("/0"), await get("/0", Sec_GPC="1"), await get("/1", Sec_GPC="1"), await get("/2")]

        granted, refused, whole, varying = asyncio.run(visits())
    assert (granted.content, refused.status_code, whole.content) == (b"counted", 403, PAGE + b"[]")
    assert varying["Vary"] == "DNT, Sec-GPC"


# --- Django's caches --------------------------------------------------------------------------------------------------

UPDATE, FETCH = (f"django.middleware.cache.{name}Middleware" for name in ("UpdateCache", "FetchFromCache"))


class Counted:
    """A view that counts how often it is asked."""

    def __init__(self, view: Visit) -> None:
        self.view = view
        self.asked = 0
        self.__name__ = "counted"

    def __call__(self, request: Any) -> HttpResponse:
        self.asked += 1
        response: HttpResponse = self.view(request)
        return response


def looking(request: GuardedRequest) -> HttpResponse:
    return HttpResponse(PAGE + str(request.consent.analytics).encode())


def answers(client: Client) -> list[bytes]:
    """What four visitors get, by turns."""
    return [client.get("/0", headers=headers).content for headers in ({}, GPC, {}, GPC)]


EACH_THEIR_OWN = [PAGE + b"True", REWRITTEN + b"False"] * 2
INSIDE, OUTSIDE, BETWEEN = (GUARD, UPDATE, FETCH), (UPDATE, GUARD, FETCH), (UPDATE, FETCH, GUARD)


@pytest.mark.parametrize(("middleware", "asked"), [(INSIDE, 4), (OUTSIDE, 2), (BETWEEN, 2)])
def test_djangos_cache_for_the_site_serves_nobody_anothers_page(middleware: tuple[str, ...], asked: int) -> None:
    view = Counted(looking)
    with site(view, middleware=middleware) as client:
        assert answers(client) == EACH_THEIR_OWN
        assert view.asked == asked


@pytest.mark.parametrize(("middleware", "asked"), [(INSIDE, 1), (OUTSIDE, 2), (BETWEEN, 2)])
def test_djangos_cache_keeps_a_page_that_nobody_looked_for(middleware: tuple[str, ...], asked: int) -> None:
    view = Counted(page)
    with site(view, middleware=middleware) as client:
        assert answers(client) == [PAGE, REWRITTEN] * 2
        assert view.asked == asked


def test_a_cached_view_that_looks_is_not_kept_unless_it_says_that_it_varies() -> None:
    view = Counted(looking)
    with site(cache_page(60)(view)) as client:
        assert answers(client) == EACH_THEIR_OWN
        assert view.asked == 4
    view = Counted(looking)
    with site(cache_page(60)(vary_on_consent(view))) as client:
        assert answers(client) == EACH_THEIR_OWN
        assert view.asked == 2


def test_a_cached_template_response_is_judged_when_it_is_rendered() -> None:
    from django.template.response import TemplateResponse  # noqa: PLC0415  # only here

    template = engines["django"].from_string('{% load dntguard %}{% requires "analytics" %}counted{% endrequires %}')
    view = Counted(lambda request: TemplateResponse(request, template))
    with site(cache_page(60)(view)) as client:
        assert answers(client) == [b"counted", b""] * 2
        assert view.asked == 4


def test_a_look_before_the_view_counts_for_its_cache_too() -> None:
    class Looks:
        def __init__(self, get_response: Visit) -> None:
            self.get_response = get_response

        def __call__(self, request: Any) -> HttpResponse:
            request.counts = request.consent.analytics
            response: HttpResponse = self.get_response(request)
            return response

    globals()["Looks"] = Looks
    view = Counted(lambda request: HttpResponse(str(request.counts)))
    with site(cache_page(60)(view), middleware=(GUARD, f"{__name__}.Looks")) as client:
        assert answers(client) == [b"True", b"False"] * 2
        assert view.asked == 4


def test_a_view_that_was_cached_before_the_signal_is_rewritten_after_it() -> None:
    with site(cache_page(60)(vary_on_headers("Accept-Language")(page))) as client:
        assert answers(client) == [PAGE, REWRITTEN] * 2


# --- responses --------------------------------------------------------------------------------------------------------


class Closable(io.BytesIO):
    """A file that somebody must close."""


def test_a_page_from_a_file_is_rewritten_and_another_file_is_the_servers_to_send() -> None:
    files: list[Closable] = []

    def opened(content: bytes) -> Closable:
        files.append(Closable(content))
        return files[-1]

    def html(request: HttpRequest) -> FileResponse:
        return FileResponse(opened(PAGE), filename="page.html")

    def image(request: HttpRequest) -> FileResponse:
        return FileResponse(opened(PAGE), filename="image.png")

    request = RequestFactory().get("/", headers=GPC)
    answer: Any = DNTGuardMiddleware(html)(request)
    assert (body(answer), answer["Content-Length"]) == (REWRITTEN, str(len(REWRITTEN)))
    assert answer.file_to_stream is None
    answer.close()
    answer = DNTGuardMiddleware(image)(request)
    assert answer.file_to_stream is files[1]
    assert body(answer) == PAGE
    answer.close()
    assert all(file.closed for file in files)


def streamed(pieces: list[bytes]) -> Iterator[bytes]:
    yield from pieces


async def streamed_async(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        assert isinstance(current_consent(), Consent)
        yield piece


PIECES = [PAGE[:20], PAGE[20:30], PAGE[30:]]


@pytest.mark.parametrize("pieces", [[], [b""], [PAGE], PIECES, [b"", *PIECES, b""]], ids=len)
@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
@pytest.mark.parametrize("stream", [streamed, streamed_async])
@pytest.mark.parametrize("client_kind", [Client, AsyncClient])
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # Django says so of the odd pairs
def test_streams_of_both_kinds_go_through_sites_of_both_kinds(
    client_kind: Any, stream: Any, kind: str, pieces: list[bytes]
) -> None:
    reports: list[Report] = []

    def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(stream(pieces), content_type=kind)

    async def view_async(request: HttpRequest) -> StreamingHttpResponse:
        return view(request)

    whole = b"".join(pieces)
    expected = whole.replace(TRACKER, b"<!---->") if kind == "text/html" else whole
    is_async = client_kind is AsyncClient
    with site(view_async if is_async else view, DNTGUARD={"on_report": reports.append}):
        client = client_kind()
        if is_async:

            async def asked() -> tuple[Any, bytes]:
                answer = await client.get("/0", headers=GPC)
                return answer, b"".join([piece async for piece in answer])

            answer, got = asyncio.run(asked())
        else:
            answer = client.get("/0", headers=GPC)
            got = body(answer)
    assert got == expected
    assert answer["Vary"] == "DNT, Sec-GPC"
    assert [len(report.removals) for report in reports] == [int(expected != whole)]


def test_a_page_comes_out_piece_by_piece_and_is_closed() -> None:
    made: list[str] = []
    reports: list[Report] = []

    def pieces() -> Iterator[bytes]:
        try:
            for number in range(3):
                made.append(str(number))
                yield b"<p>%d</p>" % number + TRACKER
        finally:
            made.append("closed")

    with site(lambda request: StreamingHttpResponse(pieces()), DNTGUARD={"on_report": reports.append}) as client:
        answer: Any = client.get("/0", headers=GPC)
        assert made == ["0"]
        got = iter(answer)
        assert next(got) == b"<p>0</p><!---->"
        assert (made, reports) == (["0"], [])
        answer.close()
        assert made == ["0", "closed"]
        assert [report.removal_count for report in reports] == [1]


def test_a_failing_view_is_djangos_and_reported() -> None:
    reports: list[Report] = []

    def view(request: HttpRequest) -> HttpResponse:
        raise RuntimeError

    with site(view, DNTGUARD={"on_report": reports.append}) as client:
        client.raise_request_exception = False
        assert client.get("/0", headers=GPC).status_code == 500
    assert [report.status for report in reports] == [500]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_ends_the_process_goes_through_and_is_reported(is_async: bool) -> None:
    reports: list[Report] = []
    request = RequestFactory().get("/")

    def leave(request: HttpRequest) -> HttpResponse:
        raise SystemExit

    async def leave_async(request: HttpRequest) -> HttpResponse:
        raise SystemExit

    with override_settings(DNTGUARD={"on_report": reports.append}):
        guarded: Any = DNTGuardMiddleware(leave_async if is_async else leave)
    with pytest.raises(SystemExit):
        asyncio.run(guarded(request)) if is_async else guarded(request)
    assert [report.status for report in reports] == [0]


@pytest.mark.parametrize(
    "respond",
    [
        lambda kind: HttpResponse(PAGE, content_type=kind),
        lambda kind: StreamingHttpResponse(iter(PIECES), content_type=kind),
        lambda kind: FileResponse(io.BytesIO(PAGE), content_type=kind),
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_when_dntguard_fails_its_own_answer_takes_the_place(respond: Callable[[str], Any], kind: str) -> None:
    def view(request: HttpRequest) -> Any:
        return respond(kind)

    with site(view, DNTGUARD={"on_error": "remove"}) as client:

        def broken(*_: object) -> object:
            raise RuntimeError("dntguard's own")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Exchange, "start", broken)
            answer = client.get("/0", headers=GPC)
        assert (answer.status_code, body(answer)) == (500, b"Internal Server Error")


def test_when_dntguard_fails_in_the_middle_of_a_stream_it_ends_there() -> None:
    asked: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number, piece in enumerate(PIECES):
            asked.append(number)
            yield piece

    def broken(*_: object) -> object:
        raise RuntimeError("dntguard's own")

    with site(lambda request: StreamingHttpResponse(pieces()), DNTGUARD={"on_error": "remove"}) as client:
        answer: Any = client.get("/0", headers=GPC)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Exchange, "feed", broken)
            assert body(answer) == b"<p>one</p>"
    assert asked == [0, 1]


def test_when_the_exchange_cannot_begin_no_cache_keeps_the_response() -> None:
    with site(cache_page(60)(page)) as client:

        def broken(*_: object) -> object:
            raise RuntimeError("dntguard's own")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Guard, "exchange", broken)
            assert client.get("/0", headers=GPC).content == PAGE
        assert client.get("/0", headers=GPC).content == REWRITTEN


# --- other middleware -------------------------------------------------------------------------------------------------

CSP, GZIP = "csp.middleware.CSPMiddleware", "django.middleware.gzip.GZipMiddleware"


@pytest.mark.parametrize(
    ("middleware", "setting", "own"),
    [
        (CSP, "CONTENT_SECURITY_POLICY", {"DIRECTIVES": {"default-src": ["'self'"]}}),
        pytest.param(
            "django.middleware.csp.ContentSecurityPolicyMiddleware",
            "SECURE_CSP",
            {"default-src": ["'self'"]},
            marks=pytest.mark.skipif(django.VERSION < (6,), reason="this Django has no such middleware; 6.0 has"),
        ),
    ],
)
def test_the_sites_own_content_security_policy_stays_and_ours_joins_it(
    middleware: str, setting: str, own: object
) -> None:
    def unreadable(request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"?", headers={"Content-Encoding": "compress"})

    with site(page, unreadable, middleware=(GUARD, middleware), **{setting: own}) as client:
        assert client.get("/0", headers=GPC)["Content-Security-Policy"] == "default-src 'self'"
        policies = client.get("/1", headers=GPC)["Content-Security-Policy"].split(", ")
        assert policies[0] == "default-src 'self'"
        assert policies[1].startswith("default-src 'self' 'unsafe-inline'")


@pytest.mark.parametrize("middleware", [(GUARD, GZIP), (GZIP, GUARD)])
def test_compression_may_stand_on_either_side(middleware: tuple[str, ...]) -> None:
    import gzip  # noqa: PLC0415  # only here

    long = PAGE + b"<p>more</p>" * 100
    with site(lambda request: HttpResponse(long), middleware=middleware) as client:
        answer = client.get("/0", headers={**GPC, "Accept-Encoding": "gzip"})
        assert answer["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.content) == long.replace(TRACKER, b"<!---->")


CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"


@pytest.mark.parametrize(("middleware", "unchanged"), [((GUARD, CONDITIONAL), 304), ((CONDITIONAL, GUARD), 200)])
def test_not_modified_is_said_to_the_visitor_whose_page_it_is(middleware: tuple[str, ...], unchanged: int) -> None:
    """Where Django's middleware stands outside, it asks a request whose conditions are for the application."""
    with site(page, middleware=middleware) as client:
        granted, refused = client.get("/0"), client.get("/0", headers=GPC)
        assert granted["ETag"] != refused["ETag"]
        tags = {"If-None-Match": refused["ETag"]}
        again, other = client.get("/0", headers={**GPC, **tags}), client.get("/0", headers=tags)
        assert (again.status_code, other.status_code, other.content) == (unchanged, 200, PAGE)
        crossed = client.get("/0", headers={**GPC, "If-None-Match": granted["ETag"]})
        assert (crossed.status_code, crossed.content) == (200, REWRITTEN)


# --- system checks ----------------------------------------------------------------------------------------------------

SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"


class OwnSession:
    """Stands for a subclass of Django's; see the test."""


@pytest.mark.parametrize(
    ("middleware", "ids"),
    [
        ((GUARD,), []),
        ((SECURITY, GZIP, UPDATE, GUARD, SESSION, CSP, FETCH, WHITENOISE), []),
        ((SESSION,), ["W001"]),
        ((GUARD, SESSION, GUARD), ["W002"]),
        ((SESSION, GUARD), ["W003"]),
        (("dntguard_no_such.Middleware", f"{__name__}.OwnSession", GUARD), ["W003"]),
        ((CSP, GUARD), ["W004"]),
        ((UPDATE, FETCH, GUARD), ["W005"]),
        ((WHITENOISE, GUARD), []),
        ((GUARD, GZIP), ["W007"]),
        ((SESSION, CSP, GUARD, GZIP), ["W003", "W004", "W007"]),
    ],
)
def test_the_checks_say_what_stands_at_a_wrong_place(middleware: tuple[str, ...], ids: list[str]) -> None:
    from django.contrib.sessions.middleware import SessionMiddleware  # noqa: PLC0415  # needs settings

    globals()["OwnSession"] = type("OwnSession", (SessionMiddleware,), {})
    with override_settings(MIDDLEWARE=list(middleware)):
        found = run_checks(tags=["dntguard"])
    assert [message.id for message in found] == [f"dntguard.{number}" for number in ids]
    assert all(message.hint for message in found)


@pytest.mark.parametrize("settings", [{"WHITENOISE_ROOT": "/srv"}, {"WHITENOISE_INDEX_FILE": True}])
def test_whitenoise_stands_after_dntguard_where_it_serves_pages(settings: dict[str, object]) -> None:
    with override_settings(MIDDLEWARE=[WHITENOISE, GUARD], **settings):
        (message,) = run_checks(tags=["dntguard"])
    assert message.id == "dntguard.W006"
    assert next(iter(settings)) in message.msg

"""Pyramid: settings from an ini file or a program, the consent on the request, pages without what is refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from pyramid import testing
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request, apply_request_extensions
from pyramid.response import Response
from pyramid.scripting import prepare
from pyramid_retry import RetryableException
from webtest import TestApp

from dntguard import Policy, current_consent
from dntguard.errors import PolicyError
from dntguard.report import Report

MODULE = "dntguard.integrations.pyramid"
TRACKER = "<script src=https://static.hotjar.com/h.js></script>"
GOOGLE = "<script src=//www.google-analytics.com/a.js></script>"
NOBODY = "<script src=//nobody.example/x.js></script>"
TEMPLATE = (
    "<p>{{ request.consent.reason }}</p>{% if request.consent.analytics %}<p>counted</p>{% endif %}" + TRACKER + NOBODY
)
GPC = {"Sec-GPC": "1"}

View = Callable[[Request], Response]


def page(request: Request) -> Response:
    return Response(TRACKER + NOBODY)


def configured(views: dict[str, View], settings: dict[str, Any] | None = None, *includes: str) -> Configurator:
    """An application that gives each path its view."""
    config = Configurator(settings=settings)
    for include in includes or (MODULE,):
        config.include(include)
    for number, (path, view) in enumerate(views.items()):
        config.add_route(f"view{number}", path)
        config.add_view(view, route_name=f"view{number}")
    return config


def client(views: dict[str, View] | None = None, settings: dict[str, Any] | None = None, *includes: str) -> TestApp:
    return TestApp(configured(views or {"/": page}, settings, *includes).make_wsgi_app())


def test_a_page_is_rewritten_and_knows_the_consent(tmp_path: Path) -> None:
    """For who sends a signal; for who does not, nothing changes."""
    (tmp_path / "home.jinja2").write_text(TEMPLATE)
    config = configured({}, None, MODULE, "pyramid_jinja2")
    config.add_jinja2_search_path(str(tmp_path))
    config.add_route("home", "/")
    config.add_view(lambda request: {}, route_name="home", renderer="home.jinja2")
    app = TestApp(config.make_wsgi_app())
    granted = app.get("/").text
    assert "<p>counted</p>" in granted
    assert "hotjar" in granted
    refused = app.get("/", headers=GPC)
    assert refused.text.startswith("<p>The browser sends Sec-GPC: 1, which refuses analytics and marketing.</p>")
    assert "counted" not in refused.text
    assert "<script" not in refused.text
    assert refused.headers["Vary"] == "DNT, Sec-GPC"
    assert refused.content_length == len(refused.body)


def test_only_who_looks_at_the_consent_varies() -> None:
    """Having it on the request is no look."""

    def plain(request: Request) -> Response:
        request.held = request.consent
        return Response("x", content_type="text/plain")

    def look(request: Request) -> Response:
        return Response(str(request.consent.analytics), content_type="text/plain")

    app = client({"/plain": plain, "/look": look})
    assert "Vary" not in app.get("/plain").headers
    assert app.get("/look").headers["Vary"] == "DNT, Sec-GPC"


def test_settings_come_from_an_ini_file() -> None:
    """Each option as text: a word, a switch, a list over several lines, a mapping."""
    parser = ConfigParser()
    parser.read_string(f"""
[app:main]
pyramid.includes = {MODULE}
dntguard.third_party = keep
dntguard.respect_no_transform = true
dntguard.max_undecided = 2048
dntguard.exclude =
    /admin
    /intern
dntguard.purposes = hotjar=functional
""")
    config = Configurator(settings=dict(parser["app:main"]))
    config.add_route("any", "/*path")
    config.add_view(lambda request: Response(TRACKER + GOOGLE), route_name="any")
    app = TestApp(config.make_wsgi_app())
    assert app.get("/", headers=GPC).text == TRACKER + "<!---->"
    assert app.get("/intern", headers=GPC).text == TRACKER + GOOGLE


def test_settings_of_a_program_are_used_as_they_are() -> None:
    """A list is a list, a function a function; those that are added after the include count too."""
    reports: list[Report] = []
    config = configured({"/": page}, {"dntguard.first_party": ["nobody.example"], "dntguard.report_only": False})
    config.registry.settings["dntguard.on_report"] = reports.append
    app = TestApp(config.make_wsgi_app())
    assert app.get("/", headers=GPC).text == "<!---->" + NOBODY
    (report,) = reports
    assert (report.status, report.removal_count, report.path) == (200, 1, "/")


def test_a_ready_policy_will_do() -> None:
    """But not beside settings: one of the two would not count."""
    assert client(settings={"dntguard.policy": Policy(report_only=True)}).get("/", headers=GPC).text == TRACKER + NOBODY
    with pytest.raises(PolicyError, match="given beside a ready policy"):
        client(settings={"dntguard.policy": Policy(), "dntguard.mode": "never"})
    with pytest.raises(PolicyError, match="not a Policy"):
        client(settings={"dntguard.policy": "never"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dntguard.modes": "never"}, "option 'modes': no such option, got 'never'; did you mean 'mode'?"),
        ({"dntguard.modes": ["never"]}, "option 'modes': no such option, got ['never']; did you mean 'mode'?"),
        ({"dntguard.mode": "nevre"}, "option 'mode': not a known value, got 'nevre'; write"),
        ({"dntguard.report_only": "perhaps"}, "option 'dntguard.report_only': not a switch, got 'perhaps'; write"),
        ({"dntguard.on_report": "shop.note"}, "option 'dntguard.on_report': no text can say this"),
    ],
)
def test_a_wrong_setting_is_an_error_at_the_include(settings: dict[str, object], said: str) -> None:
    """The option, the value and the fix, as everywhere."""
    config = Configurator(settings=settings)
    with pytest.raises(PolicyError) as caught:
        config.include(MODULE)
    assert said in str(caught.value)


def test_a_wrong_setting_after_the_include_is_an_error_when_the_application_is_made() -> None:
    """It would not count in silence."""
    config = configured({"/": page})
    config.add_settings({"dntguard.mode": "nevre"})
    with pytest.raises(PolicyError, match="not a known value"):
        config.make_wsgi_app()


def test_what_views_tweens_and_callbacks_add_is_seen() -> None:
    """The middleware stands around all of it."""

    def view(request: Request) -> Response:
        def sign(request: Request, response: Response) -> None:
            response.text += TRACKER
            response.set_cookie("_ga", "1")

        request.add_response_callback(sign)
        return Response("<p>one</p>")

    answer = client({"/": view}).get("/", headers=GPC)
    assert answer.text == "<p>one</p><!---->"
    assert "Set-Cookie" not in answer.headers


def test_an_error_page_is_a_page() -> None:
    """What exception views make is rewritten as well, and so is what a view makes of an exception itself."""

    def missing(error: Exception, request: Request) -> Response:
        return Response(TRACKER + request.consent.source, status=404)

    def broken(request: Request) -> Response:
        try:
            raise HTTPNotFound
        except HTTPNotFound:
            answer: Response = request.invoke_exception_view()
            return answer

    config = configured({"/broken": broken})
    config.add_notfound_view(missing)
    app = TestApp(config.make_wsgi_app())
    for path in ("/none", "/broken"):
        answer = app.get(path, headers=GPC, status=404)
        assert answer.text == "<!---->signal"


def test_a_subrequest_has_the_visitors_consent() -> None:
    """Its own headers are the program's; its response is rewritten when it goes out, once."""

    def outer(request: Request) -> Response:
        inner = request.invoke_subrequest(Request.blank("/inner"), use_tweens=True)
        return Response(inner.text + "|" + str("hotjar" in inner.text))

    def inner(request: Request) -> Response:
        return Response(TRACKER + request.consent.source)

    app = client({"/outer": outer, "/inner": inner})
    assert app.get("/outer", headers=GPC).text == "<!---->signal|True"
    assert app.get("/outer").text == TRACKER + "policy|True"


def test_a_thread_of_a_view_has_the_requests_consent() -> None:
    """Where no context variable says who is being answered."""

    def view(request: Request) -> Response:
        with ThreadPoolExecutor() as pool:
            same = pool.submit(lambda: request.consent is request.environ["dntguard.consent"]).result()
        return Response(str(same))

    assert client({"/": view}).get("/", headers=GPC).text == "True"


def test_a_stream_is_rewritten_piece_by_piece() -> None:
    """The first piece is out before the last one is made."""
    made: list[str] = []

    def view(request: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            for number in range(3):
                made.append(current_consent().source)
                yield f"<p>{number}</p>{TRACKER}".encode()

        return Response(app_iter=pieces())

    app = configured({"/": view}).make_wsgi_app()
    request = Request.blank("/", headers=GPC)
    _, headers, stream = request.call_application(app)
    assert "Content-Length" not in dict(headers)
    assert next(stream) == b"<p>0</p><!---->"
    assert made == ["signal"]
    assert b"".join(stream) == b"<p>1</p><!----><p>2</p><!---->"
    stream.close()


@pytest.mark.parametrize("includes", [(MODULE, "pyramid_retry"), ("pyramid_retry", MODULE)])
def test_it_stands_around_several_attempts(includes: tuple[str, ...]) -> None:
    """With pyramid_retry, which sets an execution policy too: each attempt has the consent, one answer is reported."""
    attempts: list[str] = []
    reports: list[Report] = []

    def view(request: Request) -> Response:
        attempts.append(request.consent.source)
        if len(attempts) < 3:
            raise RetryableException
        return page(request)

    app = client({"/": view}, {"retry.attempts": "3", "dntguard.on_report": reports.append}, *includes)
    assert app.get("/", headers=GPC).text == "<!----><!---->"
    assert attempts == ["signal"] * 3
    assert len(reports) == 1


def test_an_execution_policy_that_is_set_later_is_wrapped_too() -> None:
    """Also after a commit; and including twice is including once."""
    config = configured({"/": page}, None, MODULE, MODULE)
    config.commit()

    def policy(environ: dict[str, Any], router: Any) -> Response:
        with router.request_context(environ) as request:
            answer: Response = router.invoke_request(request)
            answer.text += TRACKER
            return answer

    config.set_execution_policy(policy)
    assert TestApp(config.make_wsgi_app()).get("/", headers=GPC).text == "<!---->" * 3


def test_a_shell_has_a_consent_too() -> None:
    """That of the request's headers, by the settings; of a request that has none, what the mode grants."""
    config = configured({"/": page}, {"dntguard.mode": "opt-in"})
    config.make_wsgi_app()
    with prepare(registry=config.registry) as env:
        assert env["request"].consent.source == "policy"
        assert env["request"].consent.analytics is False
    with prepare(Request.blank("/", headers=GPC), registry=config.registry) as env:
        assert env["request"].consent.source == "signal"


def test_a_dummy_request_has_one_when_it_is_told_of_the_extensions() -> None:
    """As of everything that `add_request_method` adds."""
    with testing.testConfig(settings={"dntguard.gpc_refuses": "marketing"}) as config:
        config.include(MODULE)
        request = testing.DummyRequest(headers=GPC)
        assert not hasattr(request, "consent")
        apply_request_extensions(request)
        assert request.consent.marketing is False
        assert request.consent.analytics is True

"""Flask: settings in its configuration, the consent in `g` and in templates, pages without what is refused."""

import flask
import pytest
from jinja2 import DictLoader

from dntguard import Policy
from dntguard.errors import NoConsentError, PolicyError
from dntguard.integrations.flask import DNTGuard

PAGE = (
    "<p>{{ consent.reason }}</p>{% if consent.analytics %}<p>counted</p>{% endif %}"
    "<script src=https://static.hotjar.com/h.js></script><script src=//nobody.example/x.js></script>"
)
GPC = {"Sec-GPC": "1"}


def make_app(**config: object) -> flask.Flask:
    app = flask.Flask("shop")
    app.config.update(config)

    @app.get("/")
    def page() -> str:
        return flask.render_template_string(PAGE)

    @app.get("/plain")
    def plain() -> flask.Response:
        return flask.Response("x", mimetype="text/plain")

    @app.get("/look")
    def look() -> flask.Response:
        return flask.Response(str(flask.g.consent.analytics), mimetype="text/plain")

    return app


def test_a_page_is_rewritten_and_knows_the_consent() -> None:
    """For who sends a signal; for who does not, nothing changes."""
    app = make_app()
    extension = DNTGuard(app)
    assert app.extensions["dntguard"] is extension
    client = app.test_client()
    granted = client.get("/").text
    assert "<p>counted</p>" in granted
    assert "hotjar" in granted
    refused = client.get("/", headers=GPC)
    assert refused.text.startswith("<p>The browser sends Sec-GPC: 1, which refuses analytics and marketing.</p>")
    assert "counted" not in refused.text
    assert "<script" not in refused.text
    assert refused.headers["Vary"] == "DNT, Sec-GPC"


def test_only_who_looks_at_the_consent_varies() -> None:
    """Having it in `g` is no look."""
    app = make_app()
    DNTGuard(app)
    client = app.test_client()
    assert "Vary" not in client.get("/plain").headers
    assert client.get("/look").headers["Vary"] == "DNT, Sec-GPC"


def test_settings_are_in_the_configuration() -> None:
    """They count over what the program says, at `init_app`."""
    app = make_app(DNTGUARD_THIRD_PARTY="keep", DNTGUARD_PURPOSES={"hotjar": "functional"})
    extension = DNTGuard(third_party="remove", report_only=False)
    extension.init_app(app)
    text = app.test_client().get("/", headers=GPC).text
    assert "nobody.example" in text
    assert "hotjar" in text


def test_one_extension_serves_several_applications() -> None:
    """Each with its own settings."""
    extension = DNTGuard()
    kept, removed = make_app(DNTGUARD_THIRD_PARTY="keep"), make_app()
    extension.init_app(kept)
    extension.init_app(removed)
    assert "nobody" in kept.test_client().get("/", headers=GPC).text
    assert "nobody" not in removed.test_client().get("/", headers=GPC).text


def test_a_ready_policy_will_do() -> None:
    """But not beside settings: one of the two would not count."""
    app = make_app()
    DNTGuard(app, Policy(report_only=True))
    assert "hotjar" in app.test_client().get("/", headers=GPC).text
    with pytest.raises(PolicyError, match="given beside a ready policy"):
        DNTGuard(make_app(DNTGUARD_MODE="never"), Policy())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"DNTGUARD_MODES": "never"}, "option 'modes': no such option, got 'never'; did you mean 'mode'?"),
        ({"DNTGUARD_MODE": "nevre"}, "option 'mode': not a known value, got 'nevre'; write"),
        ({"DNTGUARD_ALLOW": "stripe"}, "option 'allow': not a list of strings, got 'stripe'; write a list"),
    ],
)
def test_a_wrong_setting_is_an_error_at_start(config: dict[str, object], said: str) -> None:
    """The option, the value and the fix, as everywhere."""
    with pytest.raises(PolicyError) as caught:
        DNTGuard(make_app(**config))
    assert said in str(caught.value)


def test_a_context_without_the_middleware_has_a_consent_too() -> None:
    """As in a test of a view, or a shell; outside of a request, templates know none."""
    app = make_app()
    DNTGuard(app)
    with app.test_request_context("/", headers=GPC):
        app.preprocess_request()
        assert flask.g.consent.marketing is False
        assert flask.render_template_string("{{ consent.source }}") == "signal"
    with app.app_context():
        assert flask.render_template_string("{{ consent is defined }}") == "False"


MACROS = {
    "macros.html": "{% macro ad() %}{% if current_consent().marketing %}ad{% else %}none{% endif %}{% endmacro %}",
    "page.html": "{% import 'macros.html' as macros %}{{ macros.ad() }}",
}


def test_a_macro_without_the_context_has_the_consent_too() -> None:
    """By a global function; rendered for no request, there is none to have."""
    app = make_app()
    app.jinja_loader = DictLoader(MACROS)
    DNTGuard(app)
    app.add_url_rule("/macro", view_func=lambda: flask.render_template("page.html"))
    client = app.test_client()
    assert client.get("/macro").text == "ad"
    answer = client.get("/macro", headers=GPC)
    assert (answer.text, answer.headers["Vary"]) == ("none", "DNT, Sec-GPC")
    with app.app_context(), pytest.raises(NoConsentError, match="for no request"):
        flask.render_template("page.html")


def test_whoever_is_asked_before_a_view_has_the_consent() -> None:
    """Also who was registered before the extension."""
    app = make_app()
    app.before_request(lambda: f"<p>{flask.g.consent.source}</p>")
    DNTGuard(app)
    assert app.test_client().get("/", headers=GPC).text == "<p>signal</p>"


def test_an_error_page_is_a_page() -> None:
    """What the framework makes of an error is rewritten as well."""
    app = make_app()
    DNTGuard(app)

    @app.errorhandler(404)
    def missing(error: Exception) -> tuple[str, int]:
        return "<script src=https://static.hotjar.com/h.js></script>" + flask.g.consent.source, 404

    answer = app.test_client().get("/none", headers=GPC)
    assert (answer.status_code, answer.text) == (404, "<!---->signal")

"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import examples.django_app

GUARDED = """
import pytest
from flask import Flask
from dntguard.integrations.flask import DNTGuard

@pytest.fixture
def shop():
    return Flask("shop")

@pytest.fixture
def app(shop):
    @shop.get("/")
    @shop.get("/open")
    def page():
        return '<p>Tea</p><script src="https://www.google-analytics.com/analytics.js"></script>'
    DNTGuard(shop, exclude=["/open"])
    return shop
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a Flask application, whose runs know no warning that is no error."""
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error")
    pytester.makeconftest(GUARDED)
    return pytester


def test_the_clients_ask_the_fixture_app(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_gpc(gpc_client):
            response = gpc_client.get("/")
            assert response.text == "<p>Tea</p><!---->"
            assert ("sec-gpc", "1") in response.request_headers

        def test_dnt(dnt_client):
            response = dnt_client.get("/")
            assert response.text == "<p>Tea</p><!---->"
            assert ("dnt", "1") in response.request_headers
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_a_marked_test_fails_when_a_page_does_not_honor_the_signals(project: pytest.Pytester) -> None:
    """The message is the assertion's; what is marked with another path passes."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.honors_signals("/")
        def test_home():
            pass

        @pytest.mark.honors_signals("/", "/open")
        def test_open():
            pass

        @pytest.mark.honors_signals("/open")
        @pytest.mark.honors_signals("/")
        def test_two_marks():
            pass
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "E   *AssertionError: not what a visitor with these signals may get:",
            "E   */open with DNT: 1, and with Sec-GPC: 1",
            "E   *  line 1: <script> https://www.google-analytics.com/analytics.js",
            "E   *      Google Analytics (google-analytics), analytics; rule: google-analytics.com",
            "E   *  to do: dntguard leaves /open alone (exclude=('/open',), or an exempt view): let it act there",
        ]
    )
    result.stdout.no_fnmatch_line("*assertions.py*")


def test_the_body_of_a_marked_test_comes_first(project: pytest.Pytester) -> None:
    """It may prepare what the pages show; when it fails or is skipped, nothing else is said."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.honors_signals("/later")
        def test_prepares(app):
            app.add_url_rule("/later", view_func=lambda: "<p>Tea</p>")

        @pytest.mark.honors_signals("/nowhere")
        def test_fails():
            assert False, "the body"

        @pytest.mark.honors_signals("/nowhere")
        def test_skips():
            pytest.skip("no tea")
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["E * AssertionError: the body"])
    result.stdout.no_fnmatch_line("*nowhere with*")


def test_a_mark_takes_what_the_assertion_takes(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from dntguard import Policy

        @pytest.mark.honors_signals("/open", policy=Policy(allow=["google-analytics"]), base_url="https://tea.example")
        def test_lax():
            pass

        @pytest.mark.honors_signals
        def test_no_path():
            pass
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*ValueError: paths is empty, so nothing would be checked*"])


def test_classes_parameters_and_unittests_can_be_marked(project: pytest.Pytester) -> None:
    """None of them passes without a check."""
    project.makepyfile(
        """
        import unittest
        import pytest

        @pytest.mark.honors_signals("/open")
        class TestOpen:
            def test_one(self):
                pass

            @pytest.mark.parametrize("number", [1, 2])
            def test_two(self, number):
                pass

        @pytest.mark.honors_signals("/open")
        class Unittest(unittest.TestCase):
            def test_three(self):
                pass

        @pytest.mark.honors_signals("/open")
        async def test_four():
            pass
        """
    )
    result = project.runpytest("-p", "no:anyio")
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_an_app_fixture_that_is_missing_is_named(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no project of Django's is loaded; in this process one may be, for other tests."""
    monkeypatch.delitem(sys.modules, "django.conf", raising=False)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    pytester.makepyfile(
        """
        import pytest

        def test_client(gpc_client):
            pass

        @pytest.mark.honors_signals("/")
        def test_marked():
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["dntguard does not know the application: define a fixture `app` that returns it *"])


def test_what_the_app_fixture_itself_misses_is_pytests_to_say(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def app(database):
            pass

        def test_client(gpc_client):
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *fixture 'database' not found"])


def test_the_application_may_be_named_otherwise(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(GUARDED.replace("def app(", "def dntguard_app("))
    pytester.makepyfile('def test_it(gpc_client): assert gpc_client.get("/").text == "<p>Tea</p><!---->"')
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_project_of_django_settings_is_the_application(pytester: pytest.Pytester) -> None:
    """That of this process, which is the example's."""
    assert examples.django_app.app
    pytester.makepyfile('def test_it(gpc_client): assert "Sec-GPC: 1" in gpc_client.get("/consent").text')
    pytester.runpytest().assert_outcomes(passed=1)


def test_no_test_judges_by_the_policy_of_another(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from flask import Flask
        from dntguard.integrations.flask import DNTGuard
        from dntguard.testing import assert_no_refused

        def site(**options):
            app = Flask("shop")
            app.add_url_rule("/", view_func=lambda: "<script src=https://cdn.nobody-knows.example/a.js></script>")
            if options:
                DNTGuard(app, **options)
            return app.test_client().get("/", headers={"DNT": "1"})

        def test_lax():
            assert_no_refused(site(third_party="keep"))

        def test_bare():
            with pytest.raises(AssertionError, match="no known vendor"):
                assert_no_refused(site())
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_without_the_kit_there_is_nothing_to_forget(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process the kit is loaded, so it is unloaded for a while."""
    monkeypatch.delitem(sys.modules, "dntguard.testing.witness")
    pytester.makepyfile("def test_tea(): pass")
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_mark_is_known_and_described(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.honors_signals(*paths, policy=None, *"])


# --- in processes of their own ----------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own, in a project elsewhere."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "DJANGO"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments],
        cwd=folder, env={**environment, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_run_that_does_not_use_the_plugin_imports_no_dntguard(tmp_path: Path) -> None:
    """The plugin is there all the same."""
    (tmp_path / "test_tea.py").write_text(
        "import sys\n\n\n"
        "def test_tea(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.hasplugin('dntguard')\n"
        "    loaded = [name for name in sys.modules if name.partition('.')[0] == 'dntguard']\n"
        "    assert loaded == []\n"
        "    assert '_dntguard_pytest_plugin' in sys.modules\n",
        "utf-8",
    )
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


SETTINGS = """
SECRET_KEY = "a test's"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "urls"
MIDDLEWARE = ["dntguard.integrations.django.middleware.DNTGuardMiddleware"]
DNTGUARD = {"exclude": ["/open"]}
"""
URLS = """
from django.http import HttpResponse
from django.urls import path

PAGE = '<p>Tea</p><script src="https://www.google-analytics.com/analytics.js"></script>'
urlpatterns = [path(name, lambda request: HttpResponse(PAGE)) for name in ("", "open")]
"""
DJANGO_TESTS = """
import pytest
from django.test import Client
from dntguard.testing import assert_no_refused


@pytest.mark.honors_signals("/")
def test_mark(gpc_client):
    assert gpc_client.get("/").text == "<p>Tea</p><!---->"


@pytest.mark.honors_signals("/open")
def test_open():
    pass


def test_own_client():
    assert_no_refused(Client().get("/", headers={"sec-gpc": "1"}))
    with pytest.raises(AssertionError, match="dntguard leaves /open alone"):
        assert_no_refused(Client().get("/open", headers={"sec-gpc": "1"}))
"""


@pytest.mark.parametrize("by", ["variable", "configure"])
def test_a_django_project_needs_no_app_fixture(tmp_path: Path, by: str) -> None:
    """Neither when a variable names its settings nor when the tests have made them."""
    for name, text in (("settings", SETTINGS), ("urls", URLS), ("test_site", DJANGO_TESTS)):
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    variables = {"PYTHONPATH": str(tmp_path)}
    configure = "from django.conf import settings as it\nimport settings\n"
    if by == "variable":
        variables["DJANGO_SETTINGS_MODULE"] = "settings"
        configure = ""
    else:
        configure += "it.configure(**{name: value for name, value in vars(settings).items() if name.isupper()})\n"
    (tmp_path / "conftest.py").write_text(configure + "import django\n\ndjango.setup()\n", "utf-8")
    done = run(tmp_path, **variables)
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert "to do: dntguard leaves /open alone (exclude=('/open',), or an exempt view): let it act there" in done.stdout

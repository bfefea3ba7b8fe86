"""The pytest plugin: the fixtures `gpc_client` and `dnt_client`, and the mark `honors_signals`.

A module beside the package: pytest loads it in every run where dntguard is installed, and importing the package takes
time that a run without these should not pay. So it imports dntguard only where it is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dntguard.testing import Client

_MARK = "honors_signals"
_APP = "dntguard_app"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(*paths, policy=None, headers=None, base_url=...): when the test's body has ended, these paths of the "
        "site's application must honor DNT and Sec-GPC; see dntguard.testing.assert_honors_signals",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a marked test have the application."""
    if item.get_closest_marker(_MARK) is not None:
        item.fixturenames.append(_APP)  # type: ignore[attr-defined]  # what can be marked is a function


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let no test judge by the policy of another's application."""
    witnesses = sys.modules.get("dntguard.testing.witness")
    if witnesses is not None:
        witnesses.witness.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check what a mark says, after the test's body: it may prepare what the pages show."""
    result = yield
    for mark in item.iter_markers(_MARK):
        from dntguard.testing import assert_honors_signals  # noqa: PLC0415  # see above

        assert_honors_signals(item.funcargs[_APP], mark.args, **mark.kwargs)  # type: ignore[attr-defined]
    return result


@pytest.fixture
def dntguard_app(request: pytest.FixtureRequest) -> Any:
    """The site's application: its fixture `app`, or else the project of Django's settings. May be overridden."""
    try:
        return request.getfixturevalue("app")
    except pytest.FixtureLookupError as error:
        if error.argname != "app":
            raise
    settings = sys.modules.get("django.conf")
    if "DJANGO_SETTINGS_MODULE" in os.environ or (settings is not None and settings.settings.configured):
        from django.core.wsgi import get_wsgi_application  # noqa: PLC0415  # only where there is a project of Django's

        return get_wsgi_application()
    pytest.fail(
        "dntguard does not know the application: define a fixture `app` that returns it (ASGI or WSGI), for example in "
        "conftest.py; in Django set DJANGO_SETTINGS_MODULE",
        pytrace=False,
    )


@pytest.fixture
def gpc_client(dntguard_app: Any) -> Iterator[Client]:
    """A client of the site's application that sends `Sec-GPC: 1`: `gpc_client.get("/")`."""
    yield from _client(dntguard_app, {"Sec-GPC": "1"})


@pytest.fixture
def dnt_client(dntguard_app: Any) -> Iterator[Client]:
    """A client of the site's application that sends `DNT: 1`."""
    yield from _client(dntguard_app, {"DNT": "1"})


def _client(app: Any, headers: dict[str, str]) -> Iterator[Client]:
    from dntguard.testing import Client  # noqa: PLC0415  # see above

    with Client(app, headers) as client:
        yield client

"""CherryPy: dntguard in the pipeline of an application, with settings in CherryPy's own configuration."""

from __future__ import annotations

from pathlib import Path

import cherrypy
import pytest

from dntguard import current_consent
from dntguard.errors import PolicyError
from tests.drive import TRACKER, drive_wsgi, environ_of

UNCLAIMED = '<script src="https://nobody.example/x.js"></script>'
SETTINGS = """
[/]
wsgi.pipeline = [("dntguard", dntguard.wsgi.DNTGuardMiddleware)]
wsgi.dntguard.third_party = "keep"
"""


class Site:
    @cherrypy.expose
    def index(self) -> str:
        return f"{current_consent().reason}{TRACKER.decode()}{UNCLAIMED}"

    @cherrypy.expose
    def elsewhere(self) -> str:
        raise cherrypy.InternalRedirect("/")


def application(folder: Path, settings: str) -> cherrypy.Application:
    file = folder / "site.ini"
    file.write_text(settings, "utf-8")
    return cherrypy.Application(Site(), config=str(file))


@pytest.mark.parametrize("path", ["/", "/elsewhere"])
def test_a_file_puts_dntguard_into_the_pipeline_and_holds_its_settings(tmp_path: Path, path: str) -> None:
    """An internal redirect goes through it a second time, and changes nothing more."""
    served = drive_wsgi(application(tmp_path, SETTINGS), environ_of(("HTTP_DNT", "1"), ("PATH_INFO", path)))
    reason = b"The browser sends DNT: 1, which refuses analytics and marketing."
    assert served.body == reason + b"<!---->" + UNCLAIMED.encode()


def test_wrong_settings_in_the_pipeline_are_an_error_at_the_first_request(tmp_path: Path) -> None:
    """That is when CherryPy builds it."""
    app = application(tmp_path, SETTINGS.replace("keep", "drop"))
    with pytest.raises(PolicyError, match="option 'third_party': not a known value, got 'drop'"):
        drive_wsgi(app, environ_of())

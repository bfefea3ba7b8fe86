"""dntguard in CherryPy: around the application on the tree, the consent by `current_consent()`.

    python -m examples.cherrypy_app 8000

From the root of the repository, after `pip install . cherrypy jinja2`.
"""

import sys
from collections.abc import Iterator

import cherrypy

from dntguard import current_consent
from dntguard.wsgi import DNTGuardMiddleware
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, render


class Site:
    @cherrypy.expose
    def index(self) -> str:
        for name, value in COOKIES:
            cherrypy.response.cookie[name] = value
        return render("home.html", consent=current_consent())

    @cherrypy.expose
    @cherrypy.tools.response_headers(headers=[("Content-Type", "text/plain")])
    def consent(self) -> str:
        return current_consent().reason

    @cherrypy.expose
    @cherrypy.config(**{"response.stream": True})
    def stream(self) -> Iterator[bytes]:
        return iter(PIECES)

    @cherrypy.expose
    def broken(self) -> str:
        raise RuntimeError(BROKEN)


def not_found(status: str, message: str, traceback: str, version: str) -> str:
    return render("error.html", sorry=NOT_FOUND)


def failed(status: str, message: str, traceback: str, version: str) -> str:
    return render("error.html", sorry=BROKEN)


site = cherrypy.Application(Site(), config={"/": {"error_page.404": not_found, "error_page.500": failed}})
app = DNTGuardMiddleware(site, first_party=["leaves.example"])

if __name__ == "__main__":
    cherrypy.tree.graft(app)
    cherrypy.config.update({"server.socket_port": int(sys.argv[1])})
    cherrypy.engine.signals.subscribe()
    cherrypy.engine.start()
    cherrypy.engine.block()

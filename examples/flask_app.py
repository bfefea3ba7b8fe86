"""dntguard in Flask: settings in the configuration, the consent in `g` and in templates.

    flask --app examples.flask_app run --port 8000

From the root of the repository, after `pip install . flask`.
"""

from collections.abc import Iterator

from flask import Flask, Response, g, make_response, render_template

from dntguard.integrations.flask import DNTGuard
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES

app = Flask(__name__, template_folder=str(TEMPLATES))
app.config["DNTGUARD_FIRST_PARTY"] = ["leaves.example"]
DNTGuard(app)


@app.get("/")
def home() -> Response:
    response = make_response(render_template("home.html"))  # `consent` is there
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


@app.get("/consent")
def consent() -> Response:
    return Response(g.consent.reason, mimetype="text/plain")


@app.get("/stream")
def stream() -> Iterator[bytes]:
    return iter(PIECES)


@app.get("/broken")
def broken() -> str:
    raise RuntimeError(BROKEN)


@app.errorhandler(404)
def not_found(error: Exception) -> tuple[str, int]:
    return render_template("error.html", sorry=NOT_FOUND), 404


@app.errorhandler(500)
def failed(error: Exception) -> tuple[str, int]:
    return render_template("error.html", sorry=BROKEN), 500

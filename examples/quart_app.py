"""dntguard in Quart: settings in the configuration, the consent in `g` and in templates.

    quart --app examples.quart_app run --port 8000

From the root of the repository, after `pip install . quart`.
"""

from collections.abc import AsyncIterator

from quart import Quart, Response, g, render_template

from dntguard.integrations.quart import DNTGuard
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES

app = Quart(__name__, template_folder=str(TEMPLATES))
app.config["DNTGUARD_FIRST_PARTY"] = ["leaves.example"]
DNTGuard(app)


@app.get("/")
async def home() -> Response:
    response = Response(await render_template("home.html"))  # `consent` is there
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


@app.get("/consent")
async def consent() -> Response:
    return Response(g.consent.reason, mimetype="text/plain")


@app.get("/stream")
async def stream() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return Response(pieces(), mimetype="text/html")


@app.get("/broken")
async def broken() -> str:
    raise RuntimeError(BROKEN)


@app.errorhandler(404)
async def not_found(error: Exception) -> tuple[str, int]:
    return await render_template("error.html", sorry=NOT_FOUND), 404


@app.errorhandler(500)
async def failed(error: Exception) -> tuple[str, int]:
    return await render_template("error.html", sorry=BROKEN), 500

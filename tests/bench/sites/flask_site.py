"""Flask."""

from flask import Flask, render_template

from dntguard.integrations.flask import DNTGuard
from tests.bench.sites import LEAVES, TEMPLATES


def make() -> Flask:
    """The site."""
    site = Flask(__name__, template_folder=str(TEMPLATES))

    @site.get("/")
    def small() -> str:
        return render_template("small.html", title="Leaves")

    @site.get("/list")
    def leaves() -> str:
        return render_template("flask/list.html", title="All leaves", leaves=LEAVES)

    @site.get("/leaves/<int:number>")
    def leaf(number: int) -> str:
        return str(LEAVES[number]["name"])

    return site


bare, app = make(), make()
DNTGuard(app)

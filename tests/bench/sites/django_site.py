"""Django, with the middleware of a new project that needs no database."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test.utils import override_settings
from django.urls import path

from tests.bench.sites import LEAVES, TEMPLATES

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
settings.configure(
    SECRET_KEY="a bench's",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=MIDDLEWARE,
    INSTALLED_APPS=["django.contrib.staticfiles"],
    STATIC_URL="static/",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [TEMPLATES]}],
)


def small(request: HttpRequest) -> HttpResponse:
    return render(request, "small.html", {"title": "Leaves"})


def leaves(request: HttpRequest) -> HttpResponse:
    return render(request, "django/list.html", {"title": "All leaves", "leaves": LEAVES})


def leaf(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(LEAVES[number]["name"])


urlpatterns = [path("", small), path("list", leaves), path("leaves/<int:number>", leaf, name="leaf")]
bare = get_wsgi_application()
# The list of middleware is read once, when a handler is made.
with override_settings(MIDDLEWARE=["dntguard.integrations.django.middleware.DNTGuardMiddleware", *MIDDLEWARE]):
    app = get_wsgi_application()

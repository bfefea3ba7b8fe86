"""All frameworks."""

from tests.frameworks.django import DJANGO, DJANGO_ASYNC
from tests.frameworks.flask import FLASK
from tests.frameworks.stage import Framework
from tests.frameworks.starlette import STARLETTE

FRAMEWORKS: list[Framework] = [DJANGO, DJANGO_ASYNC, FLASK, STARLETTE]
NAMES = [framework.name for framework in FRAMEWORKS]

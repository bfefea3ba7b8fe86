"""All frameworks."""

from tests.frameworks.flask import FLASK
from tests.frameworks.stage import Framework
from tests.frameworks.starlette import STARLETTE

FRAMEWORKS: list[Framework] = [FLASK, STARLETTE]
NAMES = [framework.name for framework in FRAMEWORKS]

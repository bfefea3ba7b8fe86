"""Werkzeug's own server, with threads: `python -m tests.servers.run_werkzeug PORT MODULE:NAME`."""

import logging
import sys

from werkzeug.serving import run_simple
from werkzeug.utils import import_string

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple("127.0.0.1", int(sys.argv[1]), import_string(sys.argv[2]), threaded=True)

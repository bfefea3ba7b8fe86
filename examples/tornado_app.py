"""dntguard in Tornado: around a WSGI application, which Tornado serves beside handlers of its own.

    python -m examples.tornado_app 8000

From the root of the repository, after `pip install . tornado jinja2`.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from tornado.web import Application, FallbackHandler, RequestHandler
from tornado.wsgi import WSGIContainer

from examples.wsgi_app import app as guarded


class Health(RequestHandler):
    def get(self) -> None:
        self.write("well")


site = WSGIContainer(guarded, ThreadPoolExecutor())
app = Application([("/health", Health), (".*", FallbackHandler, {"fallback": site})])


async def main(port: int) -> None:
    app.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

"""A real server as a process of its own, on a free port of loopback."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(command: str, app: str, port: int) -> Iterator[int]:
    """The server as a process of its own, until the end; its process id."""
    words = command.format(app=app, port=port).split()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(process, port)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server answers a request; a server that ends before is an error that shows what it printed."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended: {process.communicate()[0].decode()}")
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with closing(connection):
                connection.request("GET", "/data")
                connection.getresponse().read()
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer")


def processor_seconds(pid: int) -> float | None:
    """The processor time that a process and its children have had; None where the system does not tell."""
    task = Path(f"/proc/{pid}/task/{pid}")
    try:
        # After the name, which may hold anything: utime and stime are fields 14 and 15 (proc_pid_stat(5)).
        fields = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
        children = (task / "children").read_text("latin-1").split()
    except OSError:
        return None
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) or 0.0 for child in children)

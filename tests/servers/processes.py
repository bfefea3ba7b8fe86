"""A real server as a process of its own, on a free port of loopback."""

import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], answers: Callable[[], bool], folder: Path = ROOT) -> Iterator[int]:
    """The process that a command starts in a folder, from when it answers until the end; its process id.

    An error, also one of the test that it runs for, shows the end of what it printed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    # A file, not a pipe: what is printed must not fill it up.
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        try:
            _wait_for(process, answers)
            yield process.pid
        except BaseException as error:
            printed.seek(0)
            error.add_note(f"{command[0]} printed: {printed.read()[-4000:].decode(errors='replace')}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not answers():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} does not answer")
        time.sleep(0.02)


def answers_at(port: int, path: str) -> bool:
    """Whether somebody answers HTTP/1.1 requests there, whatever they say."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("GET", path)
        connection.getresponse().read()
        return True
    return False


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

"""Servers of a session that is over."""

import subprocess
from pathlib import Path

from revlayer.database.embedded import EmbeddedServer
from revlayer.database.service_user import SHARED


def discard(server: EmbeddedServer) -> None:
    """Stop a server at once and leave its hundreds of thousands of small files to a process that nobody waits for."""
    known = server.credentials()
    if known is None:
        return
    server._stop("immediate")
    data = Path(known.data_directory)
    subprocess.Popen(["rm", "-rf", data.parent if data.parent.parent == SHARED else data], start_new_session=True)

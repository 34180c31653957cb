"""PostgreSQL refuses to run as root, so root hands its processes to a service user.

Nothing outside revlayer's own folders changes owner or permissions: when the project lies where the service
user cannot reach it (under /root, say), the cluster and a copy of the binaries lie in /var/lib/revlayer.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from revlayer.errors import RevlayerError

SHARED = Path("/var/lib/revlayer")


@dataclass(frozen=True)
class ServiceUser:
    """The user that owns the cluster; ``uid`` None means the caller."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def choose(cls) -> "ServiceUser":
        """Return the caller, or for root the user postgres or nobody."""
        if os.geteuid() != 0:
            return cls()
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise RevlayerError(
            "PostgreSQL does not run as root and there is no user 'postgres' or 'nobody'",
            "Run as another user, or set REVLAYER_DATABASE_URL to a server you have.",
        )

    def run(self, command: list[str], variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as this user; output goes through files, since a server keeps a pipe open.

        Args:
            variables: environment variables besides PATH, LC_ALL and HOME.
        """
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/", **(variables or {})}
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd="/", env=environment,
                start_new_session=True, check=False, user=self.uid, group=self.gid,
                extra_groups=None if self.uid is None else [],
            ).returncode  # fmt: skip
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())

    def can_reach(self, path: Path) -> bool:
        """Whether this user can enter the folder."""
        return self.uid is None or self.run(["test", "-x", str(path)]).returncode == 0

    def data_directory(self, home: Path) -> Path:
        """Make the folder the cluster will fill: inside ``home`` when this user can reach that."""
        parent = home
        if not self.can_reach(home):
            parent = SHARED / hashlib.sha256(str(home).encode()).hexdigest()[:12]
            parent.mkdir(parents=True, exist_ok=True)
        data = parent / "postgres"
        data.mkdir(mode=0o700, exist_ok=True)
        self._own(data)
        return data

    def remove_data_directory(self, data: Path) -> None:
        """Remove what ``data_directory`` made."""
        shutil.rmtree(data)
        if data.parent.parent == SHARED:
            data.parent.rmdir()

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that only this user (and root) can read."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self._own(path)

    def _own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def readable_copy(base: Path, parts: list[Path], user: ServiceUser) -> Path:
    """Return ``base`` itself, or a folder with copies of these parts of it when the user cannot reach it.

    Args:
        parts: paths relative to ``base``; those that do not exist are passed over.
    """
    if user.can_reach(base):
        return base
    newest = max(int((base / part).stat().st_mtime) for part in parts if (base / part).exists())
    copy = SHARED / f"server-{hashlib.sha256(f'{base}:{newest}'.encode()).hexdigest()[:12]}"
    if not copy.is_dir():
        SHARED.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=SHARED))
        unfinished.chmod(0o755)
        for part in parts:
            if (base / part).exists():
                shutil.copytree(base / part, unfinished / part, symlinks=True)
        unfinished.rename(copy)
    return copy

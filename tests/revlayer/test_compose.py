"""The compose file and the images: checked as far as that goes without a container engine."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from revlayer.config import Settings
from revlayer.database import connect
from revlayer.errors import RevlayerError

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted(ROOT.glob("docker/*/Dockerfile"))


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(COMPOSE.read_text())


def instructions(path: Path, name: str) -> list[str]:
    """Arguments of every instruction of a name, continued lines joined."""
    text = path.read_text().replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def apt_packages(commands: str) -> set[str]:
    found = re.findall(r"apt-get install -y --no-install-recommends ([^&]+)", commands)
    return {package for words in found for package in words.split()}


def test_the_compose_file_fits_the_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_services_refer_to_exists(compose):
    for service in compose["services"].values():
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if re.match(r"\w+:", volume)}
        assert named <= set(compose["volumes"])
    images = {service["image"] for service in compose["services"].values() if "build" in service}
    assert {service["image"] for service in compose["services"].values()} == images


def test_no_password_stands_in_the_environment(compose):
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name:
                assert name.endswith("_FILE") and value.removeprefix("/run/secrets/") in service["secrets"]
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value))
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_service_that_stays_up_has_a_healthcheck(compose):
    staying = {name for name, service in compose["services"].items() if "profiles" not in service}
    assert staying == {"postgres", "revlayer"}
    assert all("healthcheck" in compose["services"][name] for name in staying)


def test_every_variable_is_in_the_example():
    example = (ROOT / ".env.example").read_text()
    for name in set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())):
        assert f"#{name}=" in example, name


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_images_copy_files_that_the_context_has(dockerfile):
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for line in instructions(dockerfile, "COPY"):
        *sources, _ = shlex.split(line)
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in ignored, source
            if source.endswith(".sh"):
                assert (ROOT / source).stat().st_mode & stat.S_IXUSR


def test_the_postgres_image_has_what_ci_tests_on():
    [image] = instructions(ROOT / "docker/postgres/Dockerfile", "FROM")
    major = re.match(r"postgres:(\d+)-bookworm$", image)[1]
    ci = re.search(r"for package in ([^;]+);", (ROOT / ".ci/run").read_text())[1].split()
    packages = apt_packages(" ".join(instructions(ROOT / "docker/postgres/Dockerfile", "RUN")))
    assert f"postgresql-{major}" in ci  # the image brings it
    assert {name for name in packages if name.startswith("postgresql-")} == {
        name for name in ci if name.startswith("postgresql-plpython")
    }


def test_python_path_of_the_postgres_image_is_where_it_installs():
    [path] = [
        line for line in instructions(ROOT / "docker/postgres/Dockerfile", "ENV") if line.startswith("PYTHONPATH=")
    ]
    folder = path.removeprefix("PYTHONPATH=")
    run = " ".join(instructions(ROOT / "docker/postgres/Dockerfile", "RUN"))
    # Debian 12 has Python 3.11; the environment is made with it.
    assert f"UV_PROJECT_ENVIRONMENT={folder.removesuffix('/lib/python3.11/site-packages')} " in run
    assert "UV_PYTHON=/usr/bin/python3 " in run


@pytest.mark.parametrize(
    ("mapping", "failing", "calls", "code"),
    [
        ("", "", ["run --wait"], 0),
        ("m.yml", "", ["migrate", "import m.yml --data /in", "run --wait"], 0),
        ("m.yml", "import", ["migrate", "import m.yml --data /in"], 1),
        ("", "run", ["run --wait"], 1),
    ],
)
def test_a_round_of_the_service(tmp_path, mapping, failing, calls, code):
    program = tmp_path / "revlayer"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n[ "$1" != "{failing}" ]\n')
    program.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "REVLAYER_INTERVAL_SECONDS": "0", "REVLAYER_IMPORTS": "/in",
        "REVLAYER_MAPPING": mapping, "REVLAYER_STATE": str(tmp_path / "state"),
    }  # fmt: skip
    done = subprocess.run([ROOT / "docker/revlayer/serve.sh"], env=environment, check=False, timeout=30)
    assert done.returncode == code
    assert (tmp_path / "calls").read_text().splitlines() == calls
    assert (tmp_path / "state").read_text() == f"{code}\n"


def test_a_password_file_that_is_missing_is_named(tmp_path):
    settings = Settings(
        database_url=SecretStr("postgresql://a@127.0.0.1/b"), database_password_file=tmp_path / "absent"
    )
    with pytest.raises(RevlayerError, match="REVLAYER_DATABASE_PASSWORD_FILE cannot be read"):
        connect(settings)

"""Settings: from the environment (``REVLAYER_…``) or a ``.env`` file, with defaults that need none."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from revlayer.errors import RevlayerError

ROLES = ("owner", "loader", "transformer", "scorer", "planner", "reader")


def find_project_directory() -> Path:
    """Return the folder of sql/migrations and dbt_project: the working one, one above, or the checkout."""
    here = Path.cwd()
    candidates = [here, *here.parents, Path(__file__).resolve().parent.parent]
    for folder in candidates:
        if (folder / "sql" / "migrations").is_dir() and (folder / "dbt_project").is_dir():
            return folder
    raise RevlayerError(
        "no revlayer project here: sql/migrations and dbt_project were not found",
        "Run the command inside a checkout, or set REVLAYER_PROJECT_DIRECTORY.",
    )


class Settings(BaseSettings):
    """Where the project, its database and its roles are.

    Attributes:
        project_directory: holds dbt_project.yml and sql/.
        home: folder of the embedded database, relative to the project.
        database_url: any PostgreSQL 14 or later; unset means the embedded one.
        database_password_file: holds the password of ``database_url``, as container secrets do.
        role_prefix: roles are cluster-wide, so each environment on one cluster needs its own prefix.
        as_of_date: overrides "the last day the raw tables know of".
        dbt_target: folder of dbt's artefacts, relative to the project; processes at work at once need one each.
        dbt_variables: variables of dbt_project.yml that are others for this database, as JSON.
    """

    model_config = SettingsConfigDict(env_prefix="REVLAYER_", env_file=".env", extra="ignore")

    project_directory: Path = Field(default_factory=find_project_directory)
    home: Path = Path(".revlayer")
    database_url: SecretStr | None = None
    database_password_file: Path | None = None
    role_prefix: str = "revlayer_"
    as_of_date: date | None = None
    dbt_target: Path = Path("target")
    dbt_variables: Annotated[dict[str, Any], NoDecode] = Field(default_factory=dict)
    embedded_durable: bool = Field(default=True, description="False trades crash safety for speed; for tests only.")

    @field_validator("role_prefix")
    @classmethod
    def _plain_prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,30}", value):
            raise ValueError("lower-case letters, digits and underscores only, at most 31 of them")
        return value

    @field_validator("database_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("dbt_variables", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        try:
            return json.loads(value or "{}") if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise ValueError(f'JSON such as {{"reporting_currency": "GBP"}} is wanted; {error}') from None

    @property
    def home_directory(self) -> Path:
        """Absolute path of ``home``."""
        return self.home if self.home.is_absolute() else self.project_directory / self.home

    @property
    def dbt_target_directory(self) -> Path:
        """Absolute path of ``dbt_target``."""
        return self.project_directory / self.dbt_target

    def role(self, name: str) -> str:
        """Return the name of one of the six roles in this environment."""
        if name not in ROLES:
            raise ValueError(f"no role {name!r}; there are {', '.join(ROLES)}")
        return self.role_prefix + name

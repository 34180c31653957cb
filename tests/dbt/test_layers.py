"""The layers of the dbt project, tested as data over its manifest."""

import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from revlayer import dbt
from revlayer.config import Settings

#: Who may read whom: (layer of the reader, layer of what it reads). Scores come back through a source.
ALLOWED_EDGES = {
    ("staging", "source raw"),
    ("staging", "source imports"),
    ("intermediate", "staging"),
    ("intermediate", "intermediate"),
    ("features", "staging"),
    ("features", "intermediate"),
    ("features", "features"),
    ("marts", "staging"),
    ("marts", "intermediate"),
    ("marts", "features"),
    ("marts", "marts"),
    ("marts", "seed"),
    ("marts", "source scoring"),
    ("marts", "source planning"),
}
#: A model's name begins with one of these; marts also carry names of their own.
PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",), "features": ("ftr_", "lbl_"), "marts": ("",)}
#: PostgreSQL's own syntax, and clocks, by pattern. Both belong nowhere but in macros/dialect.sql.
FORBIDDEN = {
    "a cast by colons": r"::",
    "a clock": r"\b(now\(\)|current_date|current_timestamp|localtimestamp|getdate\(\)|clock_timestamp\(\))",
    "distinct on": r"\bdistinct\s+on\b",
    "a regular expression operator": r"\s!?~\*?\s",
    "lateral": r"\blateral\b",
    "ilike": r"\bilike\b",
    "an interval": r"\binterval\s+'",
    "merge": r"^\s*merge\s+into\b",
    "float": r"\bas\s+float\b",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifest")
    settings = Settings(database_url=SecretStr("postgresql://nobody:nothing@localhost:1/none"))
    dbt.run(settings, ["parse"], {"as_of_date": "2024-06-30"}, target_path=folder)
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def _models(manifest):
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def _layer(manifest, key: str) -> str:
    if key in manifest["sources"]:
        return f"source {manifest['sources'][key]['source_name']}"
    node = manifest["nodes"][key]
    return "seed" if node["resource_type"] == "seed" else node["fqn"][1]


def _sql(text: str) -> str:
    """The text without Jinja and comments."""
    return re.sub(r"--.*", "", re.sub(r"\{([#{%]).*?[#}%]\}", "", text, flags=re.DOTALL))


def test_data_moves_down_only(manifest):
    edges = {
        (_layer(manifest, key), _layer(manifest, parent)): f"{node['name']} reads {parent}"
        for key, node in _models(manifest).items()
        for parent in node["depends_on"]["nodes"]
    }
    assert {text for edge, text in edges.items() if edge not in ALLOWED_EDGES} == set()


def test_every_model_is_named_and_placed_by_its_layer(manifest):
    for node in _models(manifest).values():
        layer = node["fqn"][1]
        assert node["name"].startswith(PREFIXES[layer]), node["name"]
        assert node["schema"] == layer, node["name"]


def test_every_model_and_column_is_described(manifest):
    undescribed = [
        (node["name"], column["name"])
        for node in _models(manifest).values()
        for column in [{"name": "", "description": node["description"]}, *node["columns"].values()]
        if not column["description"].strip()
    ]
    assert undescribed == []


def test_contracts_are_enforced_on_marts(manifest):
    loose = [
        node["name"]
        for node in _models(manifest).values()
        if node["fqn"][1] == "marts" and not node["config"]["contract"]["enforced"]
    ]
    assert loose == []


def test_every_model_states_its_grain_first(manifest):
    silent = [
        node["name"] for node in _models(manifest).values()
        if not node["raw_code"].lstrip().lower().startswith("-- grain:")
    ]  # fmt: skip
    assert silent == []


def test_models_are_short(manifest):
    long = {
        node["name"]: lines for node in _models(manifest).values() if (lines := node["raw_code"].count("\n") + 1) > 120
    }
    assert long == {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_models_keep_to_one_dialect(manifest, what):
    found = []
    for node in _models(manifest).values():
        if re.search(FORBIDDEN[what], _sql(node["raw_code"]), re.IGNORECASE | re.MULTILINE):
            found.append(node["name"])
    assert found == []


def test_macros_outside_the_dialect_file_keep_to_one_dialect():
    folder = Path(__file__).parents[2] / "dbt_project" / "macros"
    found = []
    for path in sorted(folder.rglob("*.sql")):
        if path.name == "dialect.sql":
            continue
        code = _sql(path.read_text(encoding="utf-8"))
        for what in ("a cast by colons", "a clock", "distinct on", "lateral", "ilike"):
            if re.search(FORBIDDEN[what], code, re.IGNORECASE):
                found.append((path.name, what))
    assert found == []

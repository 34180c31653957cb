"""The training extra holds what training imports, all of it and nothing else; doctor looks for no more."""

import ast
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from revlayer import doctor

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def distribution(requirement):
    return requirement.split(">")[0].split("[")[0]


def imported(folder):
    found = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            found |= {name.split(".")[0] for name in names}
    known = packages_distributions()
    return {name for module in found for name in known.get(module, ())}


def test_training_imports_its_extra_and_needs_no_more():
    extra = {distribution(requirement) for requirement in EXTRAS["training"]}
    assert extra <= imported("training")
    online = imported("udf") | imported("revlayer")
    assert imported("training") - online - {"revlayer"} <= extra


def test_doctor_misses_only_what_an_extra_installs(monkeypatch):
    asked = []
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: asked.append(name))
    assert doctor._extras().what_to_do == "Run: pip install 'revlayer[dbt,training]'"
    installed = {distribution(requirement) for extra in ("dbt", "training") for requirement in EXTRAS[extra]}
    known = packages_distributions()
    assert asked and all(set(known[module]) & installed for module in asked)

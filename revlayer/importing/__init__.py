"""CSV import: files of any shape into the canonical raw tables, by a mapping file."""

from revlayer.importing.problems import ImportProblem
from revlayer.importing.run import import_mapping
from revlayer.importing.summary import ImportSummary, TargetSummary

__all__ = ["ImportProblem", "ImportSummary", "TargetSummary", "import_mapping"]

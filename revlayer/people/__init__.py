"""What people expect and aim at, from CSV files into planning; and who forecast better."""

from revlayer.people.files import SUBMISSIONS, TARGETS, FileKind, Imported, import_file
from revlayer.people.value_added import ValueAdded, value_added

__all__ = ["SUBMISSIONS", "TARGETS", "FileKind", "Imported", "ValueAdded", "import_file", "value_added"]

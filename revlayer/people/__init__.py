"""What people expect and aim at, from CSV files into planning; and who forecast better."""

from revlayer.people.files import SUBMISSIONS, TARGETS, FileKind, Imported, Named, import_file
from revlayer.people.names import unknown_names
from revlayer.people.value_added import ValueAdded, value_added

__all__ = [
    "SUBMISSIONS",
    "TARGETS",
    "FileKind",
    "Imported",
    "Named",
    "ValueAdded",
    "import_file",
    "unknown_names",
    "value_added",
]

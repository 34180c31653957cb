"""What an import did, for people and for schedulers."""

from dataclasses import dataclass, field

from revlayer.importing.rejects import Reject


@dataclass(frozen=True)
class TargetSummary:
    """One target: read = accepted + rejected; skipped rows belong to other targets of the same file."""

    label: str
    read_count: int
    accepted_count: int
    rejected_count: int
    skipped_count: int
    changed_count: int


@dataclass(frozen=True)
class ImportSummary:
    """One import.

    Attributes:
        changed_count: rows of raw (changes and attributes included) that are new or differ from before.
        first_rejects: the first few rejected rows; all of them are in ``raw.rejected_rows``.
    """

    source_name: str
    import_id: int | None
    is_dry_run: bool
    targets: list[TargetSummary]
    first_rejects: list[Reject] = field(default_factory=list)

    @property
    def read_count(self) -> int:
        """Rows of all files, without headers, blank lines and skipped rows."""
        return sum(target.read_count for target in self.targets)

    @property
    def accepted_count(self) -> int:
        """Rows that are in raw now."""
        return sum(target.accepted_count for target in self.targets)

    @property
    def rejected_count(self) -> int:
        """Rows that were not taken."""
        return sum(target.rejected_count for target in self.targets)

    @property
    def changed_count(self) -> int:
        """Rows of raw that are new or differ from before."""
        return sum(target.changed_count for target in self.targets)

    def render(self) -> str:
        """Return the summary as text."""
        width = max(len(target.label) for target in self.targets)
        lines = [
            f"{target.label:<{width}}  read {target.read_count:,}  accepted {target.accepted_count:,}  "
            f"rejected {target.rejected_count:,}  changed {target.changed_count:,}"
            + (f"  left to other targets {target.skipped_count:,}" if target.skipped_count else "")
            for target in self.targets
        ]
        for reject in self.first_rejects:
            lines.append(f"  {reject.file_name} line {reject.line_number}: {reject.reason}")
        if self.rejected_count > len(self.first_rejects):
            lines.append(f"  and {self.rejected_count - len(self.first_rejects):,} more")
        lines.append(self._last_line())
        return "\n".join(lines)

    def _last_line(self) -> str:
        total = (
            f"{self.read_count:,} rows read, {self.accepted_count:,} accepted, {self.rejected_count:,} rejected, "
            f"{self.changed_count:,} rows changed in raw"
        )
        if self.is_dry_run:
            return f"dry run of {self.source_name}: {total}; nothing was kept"
        kept = f"; the rejected ones: raw.rejected_rows, import_id {self.import_id}" if self.rejected_count else ""
        return f"import {self.import_id} of {self.source_name}: {total}{kept}"

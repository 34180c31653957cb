"""A few deals as raw rows, as little of each as a case needs."""


class Story:
    """Raw rows of one source."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {}
        for key, kind, order in (("new", "open", 1), ("offer", "open", 2), ("won", "won", 3), ("lost", "lost", 4)):
            self.add("stages", key, "2024-01-01", name=key, kind=kind, sort_order=order)

    def add(self, table: str, key: str, day: str, **columns: object) -> None:
        row = {"source_name": "s", "source_id": key, "occurred_at": f"{day}T08:00:00Z", **columns}
        row.setdefault("loaded_at", "2025-06-01T00:00:00Z")
        self.rows.setdefault(table, []).append(row)

    def change(self, deal: str, day: str, **fields: object) -> None:
        for name, value in fields.items():
            number = str(len(self.rows.get("deal_changes", ())))
            self.add("deal_changes", number, day, deal_source_id=deal, field_name=name, new_value=value)

    def deal(self, key: str, day: str, **fields: object) -> None:
        self.add("deals", key, day)
        self.change(key, day, **{"stage": "new", **fields})

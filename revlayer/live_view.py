"""marts.live_deal_scores calls scoring.predict_*: it gives way where a function with other features takes over."""

import psycopg
from psycopg import sql

from revlayer.config import Settings
from revlayer.errors import RevlayerError
from revlayer_udf import queries

NAME = "marts.live_deal_scores"
TARGETS = ("deal_win", "deal_value")  # whose functions it calls
_SQL = queries.load("revlayer", "pipeline.sql")


class LiveView:
    """The live view while functions are changed."""

    def __init__(self, settings: Settings) -> None:
        self._owner = settings.role("transformer")
        self._gave_way = False

    def make_way(self, conn: psycopg.Connection, target: str) -> bool:
        """Drop the view, as the role that owns it, if it calls the function of a target; say whether it did.

        Runs in the caller's transaction: where the change fails after all, the view stays.

        Raises:
            RevlayerError: other views are made over it.
        """
        if conn.execute(_SQL["live_view_over"], [f"predict_{target}"]).fetchone() is None:
            return False
        row = conn.execute("select current_setting('role')").fetchone()
        role = sql.Identifier(row[0]) if row and row[0] != "none" else sql.SQL("none")
        conn.execute(sql.SQL("set local role {}").format(sql.Identifier(self._owner)))
        try:
            conn.execute(_SQL["drop_live_view"])
        except psycopg.errors.DependentObjectsStillExist as error:
            raise RevlayerError(
                f"{NAME} has to give way to a function with other features: {error.diag.message_detail}",
                "Drop what you made over it, and make it again after: revlayer build marts",
            ) from None
        conn.execute(sql.SQL("set local role {}").format(role))
        self._gave_way = True
        return True

    def sentences(self, conn: psycopg.Connection) -> list[str]:
        """Return what to tell the user when all is done: nothing where the view stands, or never stood."""
        if not self._gave_way or conn.execute(_SQL["live_view"]).fetchone():
            return []
        return [f"{NAME} called a function with other features and was dropped: revlayer build marts makes it again"]

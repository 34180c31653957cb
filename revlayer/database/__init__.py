"""The database: the embedded server, connections, and what is deployed into it."""

from revlayer.database.connection import connect, connection_url, libpq_environment
from revlayer.database.deploy import deploy

__all__ = ["connect", "connection_url", "deploy", "libpq_environment"]

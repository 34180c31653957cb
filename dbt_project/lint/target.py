"""What sqlfluff sees in place of dbt's ``target``."""

type = "postgres"
schema = "public"

#!/usr/bin/env bash
# Run once, on an empty volume, by the image's entrypoint: a login user without superuser rights, its database, and
# PL/Python in it. Connects as libpq's environment variables and POSTGRES_USER say.
set -euo pipefail
password_file="${REVLAYER_DATABASE_PASSWORD_FILE:?names the file that holds the password of revlayer_app}"
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  -v password="$(cat "$password_file")" <<'SQL'
create role revlayer_app login createrole password :'password';
create database revlayer owner revlayer_app template template0 encoding 'UTF8' locale 'C';
\connect revlayer
create extension plpython3u;
SQL

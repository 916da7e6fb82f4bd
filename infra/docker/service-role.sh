#!/bin/sh
# The PostgreSQL image runs this once, on an empty data folder: it makes the role of the services. The migration job
# grants the rights of the role.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set=password="$SERVICE_PASSWORD" <<'SQL'
create role ticketing_service login password :'password';
SQL

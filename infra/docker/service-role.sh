#!/bin/sh
# Run once by the PostgreSQL image, on an empty data folder: the role that the services are. What it may do it is
# granted by the migration job.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set=password="$SERVICE_PASSWORD" <<'SQL'
create role ticketing_service login password :'password';
SQL

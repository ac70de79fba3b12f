-- Once, as a superuser of the server, in the database `signalbox`:
--   psql -d postgres -c 'CREATE DATABASE signalbox'  &&  psql -d signalbox -v owner="'…'" -v web="'…'" -v worker="'…'" -f logins.sql
-- docs/architecture.md says what each login is for.
CREATE ROLE signalbox_web NOLOGIN;
CREATE ROLE signalbox_engine NOLOGIN;
CREATE ROLE signalbox_owner LOGIN PASSWORD :owner;
CREATE ROLE signalbox_portal LOGIN PASSWORD :web;
CREATE ROLE signalbox_worker LOGIN PASSWORD :worker;
GRANT signalbox_web TO signalbox_portal WITH INHERIT TRUE, SET TRUE;
GRANT signalbox_web TO signalbox_worker WITH INHERIT FALSE, SET TRUE;
GRANT signalbox_engine TO signalbox_worker WITH INHERIT FALSE, SET TRUE;
ALTER DATABASE signalbox OWNER TO signalbox_owner;
CREATE EXTENSION IF NOT EXISTS ltree;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

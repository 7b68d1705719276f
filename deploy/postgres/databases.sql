-- Runs once, when the server's volume is new: a role and its databases for
-- Tagwatch, and for Temporal. Passwords come from the environment; later ones
-- are set with ALTER ROLE.
\getenv tagwatch_password TAGWATCH_DB_PASSWORD
\getenv temporal_password TEMPORAL_DB_PASSWORD

CREATE ROLE tagwatch LOGIN PASSWORD :'tagwatch_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';

CREATE DATABASE tagwatch OWNER tagwatch;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

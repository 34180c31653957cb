-- Run first, as the login user: the owner makes all else.
grant create, temporary on database {database} to {owner};
create schema if not exists audit authorization {owner};
-- The owner hands prediction tables over to the scorer, which must own a table to attach partitions to it.
grant {scorer} to {owner};
-- What a closing freezes is read by functions that the reader owns; the owner makes them.
grant {reader} to {owner};

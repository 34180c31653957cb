-- name: add_forest
insert into scoring.compiled_forests (forest_key, tree_count, leaf_count)
values (%(forest_key)s, %(tree_count)s, %(leaf_count)s)
on conflict (forest_key) do nothing
returning forest_key
-- name: copy_blocks
copy scoring.compiled_blocks (forest_key, block, slots, thresholds, exits, leaf_values) from stdin
-- name: copy_leaves
copy scoring.compiled_leaves (forest_key, leaf, leaf_values) from stdin
-- name: analyze
analyze scoring.compiled_blocks, scoring.compiled_leaves
-- name: forget_uses
delete from scoring.compiled_forest_uses where function_name = %(function_name)s
-- name: add_use
insert into scoring.compiled_forest_uses (function_name, forest_key)
values (%(function_name)s, %(forest_key)s)
on conflict do nothing
-- name: remove_unused
delete from scoring.compiled_forests f
where not exists (select 1 from scoring.compiled_forest_uses u where u.forest_key = f.forest_key)

-- Forests too large for an expression, as rows that compiled functions read (docs/models.md).
-- A forest is known by the hash of its content, so that functions installed from one model share it.
create table scoring.compiled_forests (
    forest_key bigint primary key,
    tree_count integer not null,
    leaf_count integer not null,
    installed_at timestamptz not null default clock_timestamp()
);

-- Which installed functions read it. A forest that nobody reads goes when the next function is installed.
create table scoring.compiled_forest_uses (
    function_name text not null,
    forest_key bigint not null references scoring.compiled_forests (forest_key) on delete cascade,
    primary key (function_name, forest_key)
);

-- One row per five levels of a tree in heap order: 31 comparisons, 32 exits. Blocks 1 to tree_count are roots.
-- exits: the next block, or minus the number of a leaf. leaf_values: what an exit that is a leaf adds, where the
-- forest has one target. integer rather than smallint keeps every array above 127 bytes, which PostgreSQL reads
-- without copying.
create table scoring.compiled_blocks (
    forest_key bigint not null references scoring.compiled_forests (forest_key) on delete cascade,
    block integer not null,
    slots integer[] not null,
    thresholds double precision[] not null,
    exits integer[] not null,
    leaf_values double precision[],
    primary key (forest_key, block)
);

-- Leaves of forests with several targets, such as the contributions behind a score.
create table scoring.compiled_leaves (
    forest_key bigint not null references scoring.compiled_forests (forest_key) on delete cascade,
    leaf integer not null,
    leaf_values double precision[] not null,
    primary key (forest_key, leaf)
);

comment on table scoring.compiled_forests is 'Tree ensembles stored for compiled functions; known by their content.';
comment on table scoring.compiled_forest_uses is 'Which installed function reads which stored tree ensemble.';
comment on table scoring.compiled_blocks is 'Five levels of a tree: what is compared, and where each outcome leads.';
comment on table scoring.compiled_leaves is 'What a leaf adds to each target.';

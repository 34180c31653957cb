-- name: incoming_submissions
create temporary table incoming (
    line_number bigint not null, kind text, category text, period_type text, period_start_on date, segment_id text,
    owner_id text, team_path text, amount numeric(18, 2), currency_code text, author text, submitted_at timestamptz,
    note text, reason text, row_text text not null, is_repeated boolean not null default false
) on commit drop

-- name: judge_submissions
update incoming
set
    reason = case
        when kind not in ('submission', 'override') then format('kind: %%L is neither submission nor override', kind)
        when category not in ('closed', 'commit', 'best_case', 'pipeline')
            then format('category: %%L is none of closed, commit, best_case, pipeline', category)
        when period_type not in ('month', 'quarter')
            then format('period_type: %%L is neither month nor quarter', period_type)
        when extract(day from period_start_on) <> 1
            then format('period_start_on: %%s is not the first day of a month', period_start_on)
        when period_type = 'quarter'
            and mod(extract(month from period_start_on)::integer + 12 - %(fiscal_start_month)s::integer, 3) <> 0
            then format('period_start_on: no fiscal quarter begins on %%s', period_start_on)
        when (segment_id <> '(all)')::integer + (owner_id is not null)::integer + (team_path is not null)::integer > 1
            then 'an amount belongs to a segment_id, or to an owner_id, or to a team_path'
        when amount < 0 then format('amount: %%s is below zero', amount)
        when currency_code !~ '^[A-Z]{3}$' then format('currency_code: %%L is no code such as EUR', currency_code)
        when submitted_at > clock_timestamp() + interval '1 hour'
            then format('submitted_at: %%s is in the future', submitted_at)
    end
where reason is null

-- name: twin_submissions
update incoming
set reason = 'the file has this figure already, in line ' || twins.first_line
from (
    select
        line_number,
        first_value(line_number) over (
            partition by kind, category, period_type, period_start_on, segment_id, owner_id, team_path, author,
                submitted_at
            order by line_number
        ) as first_line
    from incoming
    where reason is null
) as twins
where incoming.line_number = twins.line_number and twins.first_line < twins.line_number

-- name: known_submissions
-- A row that is there already is left out; another figure of the same moment would have to replace it. A row without a
-- time is said now: it is there already where the author's latest figure says the same.
update incoming
set
    is_repeated = (known.amount, known.currency_code) = (incoming.amount, incoming.currency_code),
    reason = case
        when known.submitted_at = incoming.submitted_at
            and (known.amount, known.currency_code) <> (incoming.amount, incoming.currency_code)
            then format(
                '%%s submitted %%s %%s at that very time; a correction has a later submitted_at',
                known.author, known.amount, known.currency_code
            )
    end
from (
    select
        *,
        row_number() over (
            partition by kind, category, period_type, period_start_on, segment_id, owner_id, team_path, author
            order by submitted_at desc, submission_id desc
        ) as recency
    from planning.forecast_submissions
) as known
where incoming.reason is null
    and known.kind = incoming.kind and known.category = incoming.category
    and known.period_type = incoming.period_type and known.period_start_on = incoming.period_start_on
    and known.segment_id = incoming.segment_id
    and known.owner_id is not distinct from incoming.owner_id
    and known.team_path is not distinct from incoming.team_path
    and known.author = incoming.author
    and (known.submitted_at = incoming.submitted_at or (incoming.submitted_at is null and known.recency = 1))

-- name: keep_submissions
insert into planning.forecast_submissions (
    kind, category, period_type, period_start_on, segment_id, owner_id, team_path, amount, currency_code, author,
    submitted_at, note, import_id
)
select
    kind, category, period_type, period_start_on, segment_id, owner_id, team_path, amount, currency_code, author,
    coalesce(submitted_at, now()), note, %(import_id)s::bigint
from incoming
where reason is null and not is_repeated
order by line_number

-- name: incoming_targets
create temporary table incoming (
    line_number bigint not null, segment_id text, owner_id text, team_path text, month_start_on date,
    target_amount numeric(18, 2), currency_code text, author text, stated_at timestamptz, reason text,
    row_text text not null, is_repeated boolean not null default false
) on commit drop

-- name: judge_targets
update incoming
set
    reason = case
        when extract(day from month_start_on) <> 1
            then format('month_start_on: %%s is not the first day of a month', month_start_on)
        when (segment_id <> '(all)')::integer + (owner_id is not null)::integer + (team_path is not null)::integer > 1
            then 'a target belongs to a segment_id, or to an owner_id, or to a team_path'
        when target_amount < 0 then format('target_amount: %%s is below zero', target_amount)
        when currency_code !~ '^[A-Z]{3}$' then format('currency_code: %%L is no code such as EUR', currency_code)
        when stated_at > clock_timestamp() + interval '1 hour'
            then format('stated_at: %%s is in the future', stated_at)
    end
where reason is null

-- name: twin_targets
update incoming
set reason = 'the file has this target already, in line ' || twins.first_line
from (
    select
        line_number,
        first_value(line_number) over (
            partition by segment_id, owner_id, team_path, month_start_on, stated_at order by line_number
        ) as first_line
    from incoming
    where reason is null
) as twins
where incoming.line_number = twins.line_number and twins.first_line < twins.line_number

-- name: known_targets
-- As with submissions: the latest target of a month counts, one that says the same again now adds nothing.
update incoming
set
    is_repeated = (known.target_amount, known.currency_code) = (incoming.target_amount, incoming.currency_code),
    reason = case
        when known.stated_at = incoming.stated_at
            and (known.target_amount, known.currency_code) <> (incoming.target_amount, incoming.currency_code)
            then format(
                '%%s stated %%s %%s at that very time; a correction has a later stated_at',
                coalesce(known.author, known.entered_by), known.target_amount, known.currency_code
            )
    end
from (
    select
        *,
        row_number() over (
            partition by segment_id, owner_id, team_path, month_start_on
            order by stated_at desc nulls last, entered_at desc, target_id desc
        ) as recency
    from planning.targets
) as known
where incoming.reason is null
    and known.segment_id = incoming.segment_id
    and known.owner_id is not distinct from incoming.owner_id
    and known.team_path is not distinct from incoming.team_path
    and known.month_start_on = incoming.month_start_on
    and (known.stated_at = incoming.stated_at or (incoming.stated_at is null and known.recency = 1))

-- name: keep_targets
insert into planning.targets (
    segment_id, owner_id, team_path, month_start_on, target_amount, currency_code, author, stated_at, import_id
)
select
    segment_id, owner_id, team_path, month_start_on, target_amount, currency_code, author, coalesce(stated_at, now()),
    %(import_id)s::bigint
from incoming
where reason is null and not is_repeated
order by line_number

-- name: author
select session_user::text

-- name: record_import
insert into planning.imports (
    table_name, file_name, file_sha256, read_count, accepted_count, repeated_count, rejected_count
)
select
    %(table_name)s::text, %(file_name)s::text, %(file_sha256)s::text, count(*),
    count(*) filter (where reason is null and not is_repeated), count(*) filter (where is_repeated),
    count(*) filter (where reason is not null)
from incoming
returning import_id, read_count, accepted_count, repeated_count, rejected_count

-- name: keep_rejects
insert into planning.rejected_rows (import_id, line_number, reason, row_text)
select %(import_id)s::bigint, line_number, reason, row_text
from incoming
where reason is not null

-- name: first_rejects
select line_number, reason from incoming where reason is not null order by line_number limit 10

-- name: named
select named.name_kind, named.name, count(*) as row_count
from incoming
cross join lateral (
    values ('segment', segment_id), ('owner', owner_id), ('team', team_path), ('currency', currency_code)
) as named (name_kind, name)
where incoming.reason is null and named.name is not null
group by named.name_kind, named.name
order by named.name_kind, named.name

-- name: has_known_names
select to_regclass('marts.known_names') is not null

-- name: unknown_names
-- A team is known by those below it too.
select named.name_kind, named.name, named.row_count
from unnest(%(kinds)s::text[], %(names)s::text[], %(counts)s::bigint[]) as named (name_kind, name, row_count)
where not exists (
    select
    from marts.known_names as known
    where known.name_kind = named.name_kind
        and (known.name = named.name or (named.name_kind = 'team' and starts_with(known.name, named.name || '/')))
)
order by named.row_count desc, named.name_kind, named.name

-- name: value_added
-- Over all horizons up to a month count; the company's own forecasts, as published where there are any.
select
    predictor || coalesce(' (' || category || ' by ' || author || ')', '') as who,
    origin,
    sum(forecast_count)::bigint as forecast_count,
    sum(entered_later_count)::bigint as entered_later_count,
    sum(actual_amount) as actual_amount,
    sum(absolute_error_amount) / nullif(sum(actual_amount), 0) as wape_rate,
    sum(naive_absolute_error_amount) / nullif(sum(actual_amount), 0) as naive_wape_rate,
    sum(value_added_amount) / nullif(sum(actual_amount), 0) as value_added_rate,
    sum(value_added_to_model_amount) / nullif(sum(actual_amount), 0) as value_added_to_model_rate
from marts.forecast_value_added
where period_type = 'month' and segment_id = %(segment_id)s::text and months_ahead <= %(months)s::integer
group by predictor, category, author, origin
order by origin, value_added_rate desc nulls last

{#-
  Every difference between SQL dialects is a dispatched macro in this file.
  Models use standard SQL, dbt's cross-database macros and these.
-#}

{% macro type_double() -%}{{ return(adapter.dispatch('type_double')()) }}{%- endmacro %}
{% macro default__type_double() -%}double{%- endmacro %}
{% macro postgres__type_double() -%}double precision{%- endmacro %}
{% macro spark__type_double() -%}double{%- endmacro %}

{#- Money on output. -#}
{% macro type_money() -%}decimal(18, 2){%- endmacro %}

{#- numerator / denominator as a double; null where the denominator is 0 or null. -#}
{% macro ratio(numerator, denominator) -%}
cast({{ numerator }} as {{ type_double() }}) / nullif(cast({{ denominator }} as {{ type_double() }}), 0)
{%- endmacro %}

{#- A point in time, in UTC. -#}
{% macro type_instant() -%}{{ return(adapter.dispatch('type_instant')()) }}{%- endmacro %}
{% macro default__type_instant() -%}timestamp with time zone{%- endmacro %}
{% macro spark__type_instant() -%}timestamp{%- endmacro %}

{#- The calendar day of an instant in the reporting time zone. -#}
{% macro local_date(instant) -%}{{ return(adapter.dispatch('local_date')(instant)) }}{%- endmacro %}
{% macro default__local_date(instant) -%}
cast({{ instant }} at time zone '{{ reporting_time_zone() }}' as date)
{%- endmacro %}
{% macro spark__local_date(instant) -%}
to_date(from_utc_timestamp({{ instant }}, '{{ reporting_time_zone() }}'))
{%- endmacro %}

{#- The hour of the day of an instant in the reporting time zone, 0 to 23. -#}
{% macro local_hour(instant) -%}{{ return(adapter.dispatch('local_hour')(instant)) }}{%- endmacro %}
{% macro default__local_hour(instant) -%}
cast(extract(hour from {{ instant }} at time zone '{{ reporting_time_zone() }}') as integer)
{%- endmacro %}
{% macro spark__local_hour(instant) -%}
hour(from_utc_timestamp({{ instant }}, '{{ reporting_time_zone() }}'))
{%- endmacro %}

{#- day + n days, as a date. -#}
{% macro add_days(day, number) -%}{{ return(adapter.dispatch('add_days')(day, number)) }}{%- endmacro %}
{% macro default__add_days(day, number) -%}
cast({{ dbt.dateadd('day', number, day) }} as date)
{%- endmacro %}
{% macro postgres__add_days(day, number) -%}({{ day }} + ({{ number }})){%- endmacro %}
{% macro spark__add_days(day, number) -%}date_add({{ day }}, {{ number }}){%- endmacro %}

{#- Whole days from one date to a later one. -#}
{% macro days_between(first_day, last_day) -%}
{{ return(adapter.dispatch('days_between')(first_day, last_day)) }}
{%- endmacro %}
{% macro default__days_between(first_day, last_day) -%}
{{ dbt.datediff(first_day, last_day, 'day') }}
{%- endmacro %}
{% macro postgres__days_between(first_day, last_day) -%}({{ last_day }} - {{ first_day }}){%- endmacro %}
{% macro spark__days_between(first_day, last_day) -%}datediff({{ last_day }}, {{ first_day }}){%- endmacro %}

{#- Seconds from one instant to another, as a double. -#}
{% macro seconds_between(first_at, last_at) -%}
{{ return(adapter.dispatch('seconds_between')(first_at, last_at)) }}
{%- endmacro %}
{% macro default__seconds_between(first_at, last_at) -%}
cast(extract(epoch from ({{ last_at }} - {{ first_at }})) as {{ type_double() }})
{%- endmacro %}
{% macro spark__seconds_between(first_at, last_at) -%}
cast(unix_micros({{ last_at }}) - unix_micros({{ first_at }}) as double) / 1000000
{%- endmacro %}

{#- Calendar months from the month of one date to the month of another. -#}
{% macro months_apart(first_day, last_day) -%}
cast(
    (extract(year from {{ last_day }}) - extract(year from {{ first_day }})) * 12
    + extract(month from {{ last_day }}) - extract(month from {{ first_day }})
    as integer
)
{%- endmacro %}

{#- 1 = Monday … 7 = Sunday. -#}
{% macro iso_weekday(day) -%}{{ return(adapter.dispatch('iso_weekday')(day)) }}{%- endmacro %}
{% macro default__iso_weekday(day) -%}cast(extract(isodow from {{ day }}) as integer){%- endmacro %}
{% macro spark__iso_weekday(day) -%}(weekday({{ day }}) + 1){%- endmacro %}

{#- Values joined in a given order. -#}
{% macro string_agg_ordered(expression, separator, order_by) -%}
{{ return(adapter.dispatch('string_agg_ordered')(expression, separator, order_by)) }}
{%- endmacro %}
{% macro default__string_agg_ordered(expression, separator, order_by) -%}
string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}
{% macro spark__string_agg_ordered(expression, separator, order_by) -%}
array_join(
    transform(array_sort(collect_list(struct({{ order_by }} as o, {{ expression }} as v))), x -> x.v),
    '{{ separator }}'
)
{%- endmacro %}

{#- A whole number with commas between its thousands, as text. -#}
{% macro grouped_number(number) -%}{{ return(adapter.dispatch('grouped_number')(number)) }}{%- endmacro %}
{% macro default__grouped_number(number) -%}
to_char(round(cast({{ number }} as {{ type_money() }})), 'FM999,999,999,999,999,990')
{%- endmacro %}
{% macro spark__grouped_number(number) -%}format_number({{ number }}, 0){%- endmacro %}

{#- Does a text hold a number in C notation, or an ISO date? Checked before a cast that would stop the build. -#}
{% macro matches(expression, pattern) -%}
{{ return(adapter.dispatch('matches')(expression, pattern)) }}
{%- endmacro %}
{% macro default__matches(expression, pattern) -%}({{ expression }} ~ {{ pattern }}){%- endmacro %}
{% macro spark__matches(expression, pattern) -%}({{ expression }} rlike {{ pattern }}){%- endmacro %}

{#- A number that a row of a relation has as long as none of its columns changes. -#}
{% macro row_fingerprint(relation) -%}{{ return(adapter.dispatch('row_fingerprint')(relation)) }}{%- endmacro %}
{% macro default__row_fingerprint(relation) -%}xxhash64({{ relation }}.*){%- endmacro %}
{% macro postgres__row_fingerprint(relation) -%}hash_record_extended({{ relation }}, 0){%- endmacro %}

{#- Memory for the sorts of one model, released with its transaction. -#}
{% macro raise_work_memory() -%}{{ return(adapter.dispatch('raise_work_memory')()) }}{%- endmacro %}
{% macro default__raise_work_memory() -%}{%- endmacro %}
{% macro postgres__raise_work_memory() -%}
{%- set memory = var('work_memory', '') | string -%}
{%- if memory and modules.re.match('^[0-9]+(kB|MB|GB)$', memory) -%}
set local work_mem = '{{ memory }}'
{%- endif -%}
{%- endmacro %}

{#-
  Many sums of many groups: a hash table of them needs kilobytes a group, where sorted rows need those of one group.
  Ends with the model's transaction.
-#}
{% macro group_by_sorting() -%}{{ return(adapter.dispatch('group_by_sorting')()) }}{%- endmacro %}
{% macro default__group_by_sorting() -%}{%- endmacro %}
{% macro postgres__group_by_sorting() -%}set local enable_hashagg = off{%- endmacro %}

{#- A new table has no statistics, and plans over it would be guesses. -#}
{% macro gather_statistics() -%}{{ return(adapter.dispatch('gather_statistics')()) }}{%- endmacro %}
{% macro default__gather_statistics() -%}{%- endmacro %}
{% macro postgres__gather_statistics() -%}
{%- if model.config.materialized == 'table' or (execute and model.config.materialized == 'incremental' and should_full_refresh()) -%}
analyze {{ this }}
{%- endif -%}
{%- endmacro %}

{#- Joins each row to its prediction by scoring.predict_<target>, whichever engine is installed. -#}
{% macro joined_prediction(target, rows, prediction) -%}
{{ return(adapter.dispatch('joined_prediction')(target, rows, prediction)) }}
{%- endmacro %}
{% macro default__joined_prediction(target, rows, prediction) -%}
cross join lateral scoring.predict_{{ target }}(
    {%- for name in predictor_arguments(target) %}
    {{ adapter.quote(name) }} => {{ rows }}.{{ adapter.quote(name) }}{{ ',' if not loop.last }}
    {%- endfor %}
) as {{ prediction }}
{%- endmacro %}

{#- The features that the installed function takes, in its order. -#}
{% macro predictor_arguments(target) -%}
{%- if not execute -%}{{ return([]) }}{%- endif -%}
{%- set found = run_query(
    "select argument.name from pg_catalog.pg_proc as f"
    ~ " inner join pg_catalog.pg_namespace as n on f.pronamespace = n.oid"
    ~ " cross join lateral unnest(f.proargnames) with ordinality as argument (name, place)"
    ~ " where n.nspname = 'scoring' and f.proname = 'predict_" ~ target ~ "'"
    ~ " and argument.place <= f.pronargs order by argument.place"
) -%}
{{ return(found.columns[0].values() | list) }}
{%- endmacro %}

{#- Length of the trailing window of retention, in months. -#}
{% macro retention_window_months() -%}
{%- set months = var('retention_window_months') | int -%}
{%- if months < 1 -%}
    {{ exceptions.raise_compiler_error(
        "retention_window_months is a number of months from 1 on, not '" ~ var('retention_window_months') ~ "'") }}
{%- endif -%}
{{ return(months) }}
{%- endmacro %}

{#- What a share can be taken of; recurring revenue may be negative. -#}
{% macro positive(amount) -%}
case when {{ amount }} > 0 then {{ amount }} end
{%- endmacro %}

{#- Is the month over on the day it is measured at the end of? -#}
{% macro is_open_month(months) -%}
{{ months }}.month_end_on < {{ dbt.last_day(months ~ '.month_start_on', 'month') }}
{%- endmacro %}

{#- The columns of retention_windows; kind: count or amount; side: the end of the window at which customers have the
    segment they count in. -#}
{% macro retention_columns(kind, side) -%}
{%- set names = {
    'count': {
        'opening': ['opening', 'retained', 'churned', 'unconverted'],
        'closing': ['new', 'reactivated', 'paying', 'converted', 'unconverted_closing'],
    },
    'amount': {
        'opening': ['opening', 'retained', 'expansion', 'contraction', 'churn', 'closing'],
        'closing': ['new', 'reactivation', 'mrr'],
    },
} -%}
{%- set found = [] -%}
{%- for name in names[kind][side] -%}
    {%- do found.append(name ~ ('_customer_count' if kind == 'count' else '_amount')) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{#- Retention over windows of a kind: in total, by segment and by cohort; every month of each, zeros included. -#}
{% macro retention(window_kind) -%}
{%- set counts = retention_columns('count', 'opening') + retention_columns('count', 'closing') -%}
{%- set columns = counts + retention_columns('amount', 'opening') + retention_columns('amount', 'closing') -%}
with sides as (
    {%- for side in ['opening', 'closing'] %}
    {%- set own = retention_columns('count', side) + retention_columns('amount', side) %}
    {{ 'union all' if not loop.first }}
    select
        month_start_on,
        {{ side }}_segment_id as segment_id,
        cohort_month_on,
        {%- for column in columns %}
        {{ column if column in own else '0 as ' ~ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('retention_windows') }}
    where window_kind = '{{ window_kind }}' and {{ side }}_segment_id is not null
    {%- endfor %}
),

summed as (
    {%- for breakdown, segment, cohort, grouping in [
        ('all', "'(all)'", 'cast(null as date)', 'month_start_on'),
        ('segment', 'segment_id', 'cast(null as date)', 'month_start_on, segment_id'),
        ('cohort', "'(all)'", 'cohort_month_on', 'month_start_on, cohort_month_on'),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        month_start_on,
        '{{ breakdown }}' as breakdown,
        {{ segment }} as segment_id,
        {{ cohort }} as cohort_month_on,
        {%- for column in columns %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from sides
    {%- if breakdown == 'cohort' %}
    where cohort_month_on is not null
    {%- endif %}
    group by {{ grouping }}
    {%- endfor %}
),

months as (
    select month_start_on, month_end_on
    from {{ ref('int_mrr_months') }}
    where month_start_on >= (select min(month_start_on) from sides)
),

groups as (
    select 'all' as breakdown, '(all)' as segment_id, cast(null as date) as cohort_month_on
    union all
    select distinct 'segment' as breakdown, segment_id, cast(null as date) as cohort_month_on from sides
    union all
    select 'cohort' as breakdown, '(all)' as segment_id, month_start_on as cohort_month_on from months
),

filled as (
    select
        months.month_start_on,
        months.month_end_on,
        {{ is_open_month('months') }} as is_open,
        groups.breakdown,
        groups.segment_id,
        groups.cohort_month_on,
        {%- for column in columns %}
        coalesce(summed.{{ column }}, 0) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from groups
    inner join months on groups.cohort_month_on is null or groups.cohort_month_on <= months.month_start_on
    left join summed
        on months.month_start_on = summed.month_start_on
        and groups.breakdown = summed.breakdown and groups.segment_id = summed.segment_id
        and coalesce(groups.cohort_month_on, {{ end_of_time() }})
        = coalesce(summed.cohort_month_on, {{ end_of_time() }})
)

select
    month_start_on,
    month_end_on,
    is_open,
    {%- if window_kind == 'trailing' %}
    {{ retention_window_months() }} as window_months,
    {%- endif %}
    breakdown,
    segment_id,
    cohort_month_on,
    {{ reporting_currency() }} as reporting_currency_code,
    {%- for column in columns %}
    cast({{ column }} as {{ dbt.type_bigint() if column in counts else type_money() }}) as {{ column }},
    {%- endfor %}
    {{ ratio('closing_amount', positive('opening_amount')) }} as nrr_rate,
    {{ ratio('retained_amount', positive('opening_amount')) }} as grr_rate,
    {{ ratio('churned_customer_count', 'opening_customer_count') }} as logo_churn_rate,
    {{ ratio('0 - churn_amount', positive('opening_amount')) }} as revenue_churn_rate,
    {{ ratio('new_amount + expansion_amount + reactivation_amount', '0 - contraction_amount - churn_amount') }}
        as quick_ratio,
    cast(mrr_amount / nullif(converted_customer_count, 0) as {{ type_money() }}) as arpa_amount
from filled
{%- endmacro %}

{#- Customers and what they close a month with, but for what begins in the month, in the segment they arrive in and,
    where it is another, out of the one they leave. -#}
{% macro segment_passages() -%}
{%- for side, sign in [('closing', 1), ('opening', -1)] %}
{{ 'union all' if not loop.first }}
select
    month_start_on,
    {{ side }}_segment_id as segment_id,
    case when closing_segment_id <> opening_segment_id then {{ sign }} * carried_amount else 0 end as transfer_amount,
    case when closing_segment_id <> opening_segment_id then {{ sign }} * retained_customer_count else 0 end
        as transferred_customer_count,
    {%- for name, column, counted_at in [
        ('new', 'new', 'closing'),
        ('reactivated', 'reactivated', 'closing'),
        ('churned', 'churned', 'opening'),
        ('closing', 'paying', 'closing'),
        ('unconverted', 'unconverted_closing', 'closing'),
    ] %}
    {{ column ~ '_customer_count' if side == counted_at else '0' }} as {{ name }}_customer_count
    {{- ',' if not loop.last }}
    {%- endfor %}
from {{ ref('retention_windows') }}
where window_kind = 'month' and {{ side }}_segment_id is not null
{%- endfor %}
{%- endmacro %}

{#- Movements with the day whose segment they count in: that of the opening, or of the closing where there was nothing
    at the opening. Negative recurring revenue may come to who had none, which makes nobody new. -#}
{% macro placed_movements(months) -%}
select
    moves.month_start_on,
    moves.movement,
    moves.reason,
    moves.movement_reporting_amount as amount,
    moves.customer_id,
    case
        when moves.movement in ('new', 'reactivation') or negative.customer_id is not null then months.month_end_on
        else months.opening_on
    end as placed_on
from {{ ref('fct_mrr_movements_reporting') }} as moves
inner join {{ months }} as months on moves.month_start_on = months.month_start_on
left join (
    select balances.customer_id, balances.month_start_on
    from {{ ref('fct_mrr_monthly') }} as balances
    left join {{ ref('fct_mrr_monthly') }} as openings
        on balances.customer_id = openings.customer_id and openings.mrr_amount <> 0
        and balances.month_start_on = cast({{ dbt.dateadd('month', 1, 'openings.month_start_on') }} as date)
    where balances.mrr_amount < 0 and openings.customer_id is null
    group by balances.customer_id, balances.month_start_on
) as negative
    on moves.customer_id = negative.customer_id and moves.month_start_on = negative.month_start_on
{%- endmacro %}

{#- The latest target by month and segment, owner or team that was stated by the end of the as-of date, in the reporting
    currency; null without a rate. One without a time counts from the beginning. -#}
{% macro converted_targets() -%}
select
    entered.segment_id,
    entered.owner_id,
    entered.team_path,
    dates.month_start_on,
    dates.fiscal_quarter_start_on,
    upper(entered.currency_code) as currency_code,
    cast(entered.target_amount * rates.known_rate as {{ type_money() }}) as target_amount
from (
    select
        *,
        row_number() over (
            partition by segment_id, owner_id, team_path, month_start_on
            order by stated_at desc nulls last, entered_at desc, target_id desc
        ) as recency
    from {{ source('planning', 'targets') }}
    where stated_at is null or {{ local_date('stated_at') }} <= {{ as_of_date() }}
) as entered
inner join {{ ref('dim_date') }} as dates on entered.month_start_on = dates.date_day
left join {{ ref('int_exchange_rates_daily') }} as rates
    on upper(entered.currency_code) = rates.currency_code and rates.date_day = {{ as_of_date() }}
where entered.recency = 1
{%- endmacro %}

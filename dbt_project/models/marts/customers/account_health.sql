-- Grain: one row per customer known at the as-of date.
-- The change compares what is known of both days; no prediction of the earlier day is kept, so churn risk is left out.
{%- set components = {} %}
{%- do components.update(account_health_components()) %}
{%- set compared_on %}cast('{{ customer_change_text() }}' as date){% endset %}
with predictions as (
    select customer_id, churn_probability from {{ ref('customer_scores') }}
),

measured as (
    select customers.*, predictions.churn_probability
    from {{ ref('ftr_customers') }} as customers
    left join predictions
        on customers.customer_id = predictions.customer_id and customers.as_of_date = {{ as_of_date() }}
    where customers.as_of_date in ({{ as_of_date() }}, {{ compared_on }})
),

scored as (
    select
        customer_id, as_of_date, account_id, owner_id, team_path, segment_id,
        {%- for name, expression in components.items() %}
        cast({{ expression }} as {{ type_double() }}) as {{ name }}_score{{ ',' if not loop.last }}
        {%- endfor %}
    from measured
),

paired as (
    select
        today.*,
        {%- for name in components %}
        earlier.{{ name }}_score as {{ name }}_earlier_score,
        {%- endfor %}
        earlier.as_of_date as compared_with_on,
        {{ account_health_sum(components, 'today.{}_score is not null') }} as known_weight,
        {{ account_health_sum(components, 'today.{}_score is not null and earlier.{}_score is not null') }}
            as compared_weight,
        {{ account_health_sum(
            components, 'today.{}_score is not null and earlier.{}_score is not null',
            'today.{}_score - earlier.{}_score'
        ) }} as weighted_change
    from scored as today
    left join scored as earlier
        on today.customer_id = earlier.customer_id
        and earlier.as_of_date = {{ compared_on }} and earlier.as_of_date < {{ as_of_date() }}
    where today.as_of_date = {{ as_of_date() }}
),

pointed as (
    select
        *,
        {%- for name in components %}
        {{ account_health_weight(name) }} * {{ name }}_score / nullif(known_weight, 0) as {{ name }}_points,
        {%- endfor %}
        weighted_change / nullif(compared_weight, 0) as health_change
    from paired
),

summed as (
    select
        *,
        case when known_weight > 0 then
            {%- for name in components %}
            coalesce({{ name }}_points, 0) {{- ' +' if not loop.last }}
            {%- endfor %}
        end as health_score
    from pointed
)

select
    customer_id,
    as_of_date,
    account_id,
    owner_id,
    team_path,
    segment_id,
    cast(health_score as {{ type_double() }}) as health_score,
    case
        when health_score >= {{ var('account_health_healthy_from') | float }} then 'healthy'
        when health_score >= {{ var('account_health_watch_from') | float }} then 'watch'
        when health_score >= {{ var('account_health_at_risk_from') | float }} then 'at risk'
        when health_score is not null then 'critical'
    end as health_category,
    cast({{ ratio('known_weight', account_health_sum(components, 'true')) }} as {{ type_double() }})
        as health_confidence,
    cast(health_change as {{ type_double() }}) as health_change,
    compared_with_on,
    cast({{ ratio('compared_weight', account_health_sum(components, 'true')) }} as {{ type_double() }})
        as health_change_confidence,
    {%- for name in components %}
    {{ name }}_score,
    cast({{ name }}_points as {{ type_double() }}) as {{ name }}_points,
    {{ name }}_earlier_score{{ ',' if not loop.last }}
    {%- endfor %}
from summed

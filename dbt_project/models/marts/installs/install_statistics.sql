-- Grain: one row per country and platform of installs that had reached their age by the as-of date.
with installs as (
    select
        *,
        coalesce(country_code, 'Unknown') as country,
        coalesce(platform, 'Unknown') as platform_name,
        window_revenue_amount as window_amount
    from {{ ref('install_scores') }}
),

counted as (
    select
        country,
        platform_name,
        count(*) as install_count,
        count(predicted_revenue_amount) as predicted_install_count,
        count(window_amount) as finished_install_count,
        count(case when window_amount > 0 then 1 end) as payer_count,
        sum(window_amount) as revenue_amount,
        sum(case when window_amount > 0 then window_amount end) as payer_revenue_amount,
        sum(case when window_amount is not null then coalesce(early_revenue_amount, 0) + predicted_revenue_amount end)
            as finished_predicted_amount,
        sum(coalesce(early_revenue_amount, 0) + predicted_revenue_amount) as predicted_amount,
        sum(payer_probability) as predicted_payer_count,
        {%- for share in [50, 90, 99] %}
        percentile_cont({{ share / 100 }}) within group (
            order by cast(case when window_amount > 0 then window_amount end as {{ type_double() }})
        ) as payer_p{{ share }}{{ ',' if not loop.last }}
        {%- endfor %}
    from installs
    group by country, platform_name
)

select
    {{ as_of_date() }} as as_of_date,
    country as country_code,
    platform_name as platform,
    {{ reporting_currency() }} as reporting_currency_code,
    install_count,
    finished_install_count,
    payer_count,
    {{ ratio('payer_count', 'finished_install_count') }} as payer_rate,
    predicted_payer_count,
    cast(revenue_amount as {{ type_money() }}) as revenue_amount,
    cast({{ ratio('revenue_amount', 'finished_install_count') }} as {{ type_money() }}) as mean_revenue_amount,
    cast({{ ratio('payer_revenue_amount', 'payer_count') }} as {{ type_money() }}) as mean_payer_revenue_amount,
    {%- for share in [50, 90, 99] %}
    cast(payer_p{{ share }} as {{ type_money() }}) as payer_revenue_p{{ share }}_amount,
    {%- endfor %}
    cast(finished_predicted_amount as {{ type_money() }}) as finished_predicted_amount,
    cast(predicted_amount as {{ type_money() }}) as predicted_amount,
    cast({{ ratio('predicted_amount', 'predicted_install_count') }} as {{ type_money() }}) as mean_predicted_amount
from counted

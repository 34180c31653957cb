-- Grain: one row per country, region, currency and month, from the first entry to the month of the as-of date.
-- The trial balance of tax: opening + output - credit - bad debt - input = closing.
with summed as (
    select
        country_code,
        region_code,
        currency_code,
        cast({{ dbt.date_trunc('month', 'occurred_on') }} as date) as month_start_on,
        sum(tax_amount) as moved_amount,
        {%- for kind in ['output', 'credit', 'bad_debt', 'input'] %}
        sum(case when entry_kind = '{{ kind }}' then {{ '' if kind == 'output' else '-' }}tax_amount else 0 end)
            as {{ kind }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_tax_entries') }}
    group by country_code, region_code, currency_code, cast({{ dbt.date_trunc('month', 'occurred_on') }} as date)
),

months as (
    select
        begun.country_code, begun.region_code, begun.currency_code, dates.month_start_on,
        max(dates.date_day) as month_end_on
    from (
        select country_code, region_code, currency_code, min(month_start_on) as begins_on
        from summed
        group by country_code, region_code, currency_code
    ) as begun
    inner join {{ ref('dim_date') }} as dates
        on dates.date_day >= begun.begins_on and dates.date_day <= {{ as_of_date() }}
    group by begun.country_code, begun.region_code, begun.currency_code, dates.month_start_on
),

carried as (
    select
        months.*,
        {%- for name in ['output', 'credit', 'bad_debt', 'input', 'moved'] %}
        coalesce(summed.{{ name }}_amount, 0) as {{ name }}_amount,
        {%- endfor %}
        sum(coalesce(summed.moved_amount, 0)) over (
            partition by months.country_code, months.region_code, months.currency_code order by months.month_start_on
        ) as closing_amount
    from months
    left join summed
        on months.month_start_on = summed.month_start_on
        and coalesce('=' || months.country_code, '') = coalesce('=' || summed.country_code, '')
        and coalesce('=' || months.region_code, '') = coalesce('=' || summed.region_code, '')
        and coalesce('=' || months.currency_code, '') = coalesce('=' || summed.currency_code, '')
)

select
    month_start_on,
    month_end_on,
    country_code,
    region_code,
    currency_code,
    cast(closing_amount - moved_amount as {{ type_money() }}) as opening_amount,
    {%- for name in ['output', 'credit', 'bad_debt', 'input', 'closing'] %}
    cast({{ name }}_amount as {{ type_money() }}) as {{ name }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
from carried

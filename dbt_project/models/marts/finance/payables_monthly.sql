-- Grain: one row per currency and month, from its first movement to the month of the as-of date.
-- The roll-forward opening + movements = closing, the aging at the month's end, and days payable outstanding.
with movements as (
    select *, cast({{ dbt.date_trunc('month', 'occurred_on') }} as date) as month_start_on
    from {{ ref('fct_payable_movements') }}
),

summed as (
    select
        currency_code,
        month_start_on,
        sum(amount) as moved_amount,
        {%- for name, condition in [
            ('billed', "movement = 'bill' and not is_reversal"),
            ('voided', "movement = 'bill' and is_reversal"),
            ('adjusted', "movement = 'adjustment'"),
            ('paid', "movement in ('payment', 'settlement')"),
        ] %}
        sum(amount) filter (where {{ condition }}) as {{ name }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from movements
    group by currency_code, month_start_on
),

months as (
    select begun.currency_code, dates.month_start_on, max(dates.date_day) as month_end_on, count(*) as day_count
    from (select currency_code, min(month_start_on) as begins_on from summed group by currency_code) as begun
    inner join {{ ref('dim_date') }} as dates
        on dates.date_day >= begun.begins_on and dates.date_day <= {{ as_of_date() }}
    group by begun.currency_code, dates.month_start_on
),

aged as (
    select
        months.currency_code,
        months.month_start_on,
        {{ aging_sums(
            'balances.balance_amount', days_between('balances.due_on', 'months.month_end_on'), 'balances.is_open'
        ) | indent(8) }}
    from months
    inner join {{ ref('payable_balances') }} as balances
        on months.currency_code is not distinct from balances.currency_code
        and balances.valid_from_on <= months.month_end_on and balances.valid_to_on > months.month_end_on
    group by months.currency_code, months.month_start_on
),

carried as (
    select
        months.*,
        {%- for name in ['billed', 'voided', 'adjusted', 'paid', 'moved'] %}
        cast(coalesce(summed.{{ name }}_amount, 0) as {{ type_money() }}) as {{ name }}_amount,
        {%- endfor %}
        cast(sum(coalesce(summed.moved_amount, 0)) over passed as {{ type_money() }}) as closing_amount,
        cast(sum(
            coalesce(summed.billed_amount, 0) + coalesce(summed.voided_amount, 0)
            + coalesce(summed.adjusted_amount, 0)
        ) over recent as {{ type_money() }}) as billed_recently_amount,
        sum(months.day_count) over recent as recent_day_count
    from months
    left join summed
        on months.currency_code is not distinct from summed.currency_code
        and months.month_start_on = summed.month_start_on
    window
        passed as (partition by months.currency_code order by months.month_start_on),
        recent as (
            partition by months.currency_code order by months.month_start_on
            rows between {{ var('days_outstanding_months') | int(3) - 1 }} preceding and current row
        )
)

select
    carried.month_start_on,
    carried.month_end_on,
    carried.currency_code,
    cast(carried.closing_amount - carried.moved_amount as {{ type_money() }}) as opening_amount,
    {%- for name in ['billed', 'voided', 'adjusted', 'paid'] %}
    carried.{{ name }}_amount,
    {%- endfor %}
    carried.closing_amount,
    {%- for name in ['current', 'overdue_1_30', 'overdue_31_60', 'overdue_61_90', 'overdue_over_90',
        'open', 'overdue', 'on_account'] %}
    cast(coalesce(aged.{{ name }}_amount, 0) as {{ type_money() }}) as {{ name }}_amount,
    {%- endfor %}
    cast(coalesce(aged.open_count, 0) as bigint) as open_bill_count,
    cast(coalesce(aged.overdue_count, 0) as bigint) as overdue_bill_count,
    carried.billed_recently_amount,
    cast(carried.recent_day_count as integer) as recent_day_count,
    case when carried.billed_recently_amount > 0
        then {{ ratio('carried.closing_amount', 'carried.billed_recently_amount') }} * carried.recent_day_count
    end as days_payable_outstanding
from carried
left join aged
    on carried.currency_code is not distinct from aged.currency_code
    and carried.month_start_on = aged.month_start_on

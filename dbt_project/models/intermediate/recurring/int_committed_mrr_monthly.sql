-- Grain: one row per customer, currency and month with committed recurring revenue.
-- What is agreed at the month's end for the day committed_mrr_days later: what runs then or starts by then, less what
-- is known to end by then. Trials are no commitment; a pause is left out while it is not known to be over by then.
{{ keep_by_customer('customer_id', indexed_by=['customer_id']) }}

with agreed as (
    select
        terms.customer_id,
        terms.currency_code,
        months.month_start_on,
        months.month_end_on,
        case
            when months.committed_on < terms.discount_ended_on then terms.net_yearly_amount
            else terms.gross_yearly_amount
        end as yearly_amount
    from {{ ref('int_subscription_item_terms') }} as terms
    inner join {{ ref('int_mrr_months') }} as months
        on months.month_end_on >= terms.valid_from_on and months.month_end_on < terms.valid_to_on
        and months.month_end_on >= coalesce(terms.agreed_on, terms.starts_on)
        and months.committed_on >= terms.starts_on and months.committed_on < terms.told_ends_on
        and months.month_end_on < terms.ends_on
    where terms.gross_yearly_amount <> 0 and {{ is_changed('customer_id', 'terms.customer_id') }}
        and not (months.month_end_on >= terms.trial_from_on and months.month_end_on < terms.trial_to_on)
        and not (months.committed_on >= terms.trial_from_on and months.committed_on < terms.trial_to_on)
        and not (months.committed_on >= terms.paused_from_on and months.committed_on < terms.paused_to_on)
)

select
    agreed.customer_id,
    agreed.currency_code,
    agreed.month_start_on,
    sum(cast(agreed.yearly_amount / 12 as {{ type_money() }})) as committed_mrr_amount,
    sum({{ to_reporting('cast(agreed.yearly_amount / 12 as ' ~ type_money() ~ ')', 'rates.final_rate') }})
        as committed_mrr_reporting_amount
from agreed
left join {{ ref('int_exchange_rates_daily') }} as rates
    on agreed.currency_code = rates.currency_code and agreed.month_end_on = rates.date_day
group by agreed.customer_id, agreed.currency_code, agreed.month_start_on
having sum(cast(agreed.yearly_amount / 12 as {{ type_money() }})) <> 0

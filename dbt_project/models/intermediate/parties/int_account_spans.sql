-- Grain: one row per account and day its state changed (validity is exclusive at its end).
with states as (
    {{ history_states(
        ref('int_account_changes_identified'), ref('int_accounts_identified'), 'account_id',
        ['industry', 'segment', 'region', 'country_code', 'employee_count', 'annual_revenue_amount']
    ) }}
)

select
    account_id,
    valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by account_id order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    industry,
    segment as account_segment,
    region,
    country_code,
    cast(employee_count as {{ type_double() }}) as employee_count,
    cast(annual_revenue_amount as {{ type_double() }}) as annual_revenue_amount,
    {{ segment_of() }} as segment_id
from states

-- Grain: one row per deal and span of days on which it was known to be closed in this way (exclusive at its end).
-- The rows of a day, as of any day up to the as-of date, are those that lbl_deals had when it was built as of that day:
-- outcomes that were undone or corrected since are here until the day they were.
select
    closings.deal_id,
    greatest(closings.known_from_on, coalesce(rates.known_from_on, closings.known_from_on)) as known_from_on,
    least(closings.known_to_on, coalesce(rates.known_to_on, closings.known_to_on)) as known_to_on,
    closings.segment_id,
    identified.created_on,
    identified.known_on as created_known_on,
    closings.closed_on,
    closings.closed_known_on,
    closings.is_won,
    cast(cast(closings.won_amount as {{ type_double() }}) * rates.rate as {{ type_money() }}) as won_amount_reporting
from {{ ref('int_closing_spans') }} as closings
inner join {{ ref('int_deals_identified') }} as identified on closings.deal_id = identified.deal_id
left join {{ ref('int_closing_rates') }} as rates
    on closings.currency_code = rates.currency_code and closings.closed_on = rates.closed_on
    and closings.known_from_on < rates.known_to_on and closings.known_to_on > rates.known_from_on

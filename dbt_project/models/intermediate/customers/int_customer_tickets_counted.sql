-- Grain: one row per customer and as-of date by which it had opened a ticket, as known then.
with dated as (
    select
        keys.customer_id,
        dates.as_of_date,
        {{ days_between('tickets.occurred_on', 'dates.as_of_date') }} as age_days,
        -- When it was solved is a fact of its own day; before, the ticket is open.
        not tickets.is_closed and coalesce(tickets.solved_on, {{ end_of_time() }}) > dates.as_of_date as is_open
    from {{ ref('int_customer_ticket_spans') }} as tickets
    inner join {{ ref('int_customer_keys') }} as keys
        on tickets.entity = keys.entity and tickets.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on {{ valid_on('tickets', 'dates.as_of_date') }} and keys.known_on <= dates.as_of_date
)

select
    customer_id,
    as_of_date,
    {%- for days in [7, 30, 90] %}
    count(*) filter (where age_days < {{ days }}) as tickets_{{ days }}d,
    {%- endfor %}
    count(*) filter (where is_open) as open_ticket_count
from dated
group by customer_id, as_of_date

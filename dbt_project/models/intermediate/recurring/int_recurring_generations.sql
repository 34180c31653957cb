-- Grain: one row per build in which something about customers was last another: how many customers that are.
select
    changed_in as generation,
    count(*) as customer_count
from (
    select customer_id, max(changed_in) as changed_in
    from {{ ref('int_recurring_fingerprints') }}
    group by customer_id
) as customers
group by changed_in

-- Grain: one row per billing customer and day its account or that account's segment changed.
-- Validity is exclusive at its end. Segments count as known by the as-of date; before an account's first known
-- state it has the segment of that state.
with segments as (
    select
        account_id,
        segment_id,
        case
            when row_number() over (partition by account_id order by valid_from_on) = 1
                then cast('0001-01-01' as date)
            else valid_from_on
        end as valid_from_on,
        valid_to_on
    from {{ ref('int_account_spans') }}
    where valid_from_on <= {{ as_of_date() }}
),

owned as (
    select customer_id, account_id, valid_from_on, valid_to_on from {{ ref('int_billing_customer_spans') }}
)

select
    owned.customer_id,
    greatest(owned.valid_from_on, coalesce(segments.valid_from_on, owned.valid_from_on)) as valid_from_on,
    least(owned.valid_to_on, coalesce(segments.valid_to_on, owned.valid_to_on)) as valid_to_on,
    owned.account_id,
    coalesce(segments.segment_id, {{ unknown_segment() }}) as segment_id
from owned
left join segments
    on owned.account_id = segments.account_id
    and segments.valid_from_on < owned.valid_to_on and segments.valid_to_on > owned.valid_from_on

-- name: exists
select to_regclass('features.ftr_customer_snapshots') is not null
    and to_regclass('features.ftr_customer_snapshot_features') is not null

-- name: columns
select column_name::text, data_type::text
from information_schema.columns
where table_schema = 'features' and table_name = 'ftr_customer_snapshots'
order by ordinal_position

-- name: snapshots
-- A label that became known after the cutoff is none.
select
    snapshot_id,
    customer_id,
    as_of_date,
    {columns},
    case when label_known_on <= %(cutoff)s::date then is_churned::integer::double precision end as is_churned,
    case when label_known_on <= %(cutoff)s::date then label_known_on end as label_known_on
from features.ftr_customer_snapshots
where as_of_date <= %(cutoff)s::date and known_on <= %(cutoff)s::date
order by as_of_date, snapshot_id

-- name: features
select snapshot_id, feature_name, number_value, text_value
from features.ftr_customer_snapshot_features
order by snapshot_id, feature_name

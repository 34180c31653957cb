-- name: row_count
select count(*) from features.ftr_deals where as_of_date <= %(cutoff)s::date

-- name: feature_columns
select column_name::text
from information_schema.columns
where table_schema = 'features' and table_name = 'ftr_deals'
order by ordinal_position

-- name: attribute_columns
select column_name::text
from information_schema.columns
where table_schema = 'features' and table_name = 'ftr_deals'
    and column_name like 'attr\_%%' and data_type = %s
order by column_name

-- name: training_rows
-- Outcomes known by the cutoff only. Whole deals are sampled: two bytes of a hash of their id.
select
    f.deal_id,
    f.as_of_date,
    f.created_on,
    {columns},
    case when l.closed_known_on <= %(cutoff)s::date then l.closed_on end as closed_on,
    case when l.closed_known_on <= %(cutoff)s::date then l.closed_known_on end as closed_known_on,
    case when l.closed_known_on <= %(cutoff)s::date then l.is_won end as is_won,
    case
        when l.closed_known_on <= %(cutoff)s::date and l.is_won then l.won_amount_reporting::double precision
    end as won_amount
from features.ftr_deals as f
left join features.lbl_deals as l on l.deal_id = f.deal_id
where f.as_of_date <= %(cutoff)s::date
    and ('x' || substr(md5(f.deal_id || %(seed)s::text), 1, 4))::bit(16)::integer < %(threshold)s::integer
order by f.as_of_date, f.deal_id

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
-- Outcomes as they were known at the cutoff. Whole deals are sampled: two bytes of a hash of their id.
select
    f.deal_id,
    f.as_of_date,
    f.created_on,
    {columns},
    l.closed_on,
    l.closed_known_on,
    l.is_won,
    l.won_amount_reporting::double precision as won_amount
from features.ftr_deals as f
left join features.lbl_deal_closings as l
    on l.deal_id = f.deal_id and l.known_from_on <= %(cutoff)s::date and l.known_to_on > %(cutoff)s::date
where f.as_of_date <= %(cutoff)s::date
    and ('x' || substr(md5(f.deal_id || %(seed)s::text), 1, 4))::bit(16)::integer < %(threshold)s::integer
order by f.as_of_date, f.deal_id

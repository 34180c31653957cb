-- name: exists
select to_regclass('features.ftr_installs') is not null and to_regclass('features.lbl_installs') is not null

-- name: row_count
select count(*) from features.ftr_installs where reached_on <= %(cutoff)s::date

-- name: feature_columns
select column_name::text, data_type::text
from information_schema.columns
where table_schema = 'features' and table_name = 'ftr_installs'
order by ordinal_position

-- name: training_rows
-- Labels known by the cutoff only. Sampled by two bytes of a hash of the id.
select
    f.install_id,
    f.reached_on as as_of_date,
    {columns},
    case when l.revenue_known_on <= %(cutoff)s::date then l.revenue end as revenue,
    case when l.revenue_known_on <= %(cutoff)s::date then l.revenue_known_on end as revenue_known_on
from features.ftr_installs as f
left join features.lbl_installs as l on l.install_id = f.install_id
where f.reached_on <= %(cutoff)s::date
    and ('x' || substr(md5(f.install_id || %(seed)s::text), 1, 4))::bit(16)::integer < %(threshold)s::integer
order by f.reached_on, f.install_id

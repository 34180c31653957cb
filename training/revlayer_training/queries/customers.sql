-- name: exists
select to_regclass('features.ftr_customers') is not null and to_regclass('features.lbl_customers') is not null

-- name: row_count
select count(*) from features.ftr_customers where as_of_date <= %(cutoff)s::date

-- name: feature_columns
select column_name::text, data_type::text
from information_schema.columns
where table_schema = 'features' and table_name = 'ftr_customers'
order by ordinal_position

-- name: training_rows
-- Labels known by the cutoff only. Whole customers are sampled: two bytes of a hash of their id.
select
    f.customer_id,
    f.as_of_date,
    {columns},
    case when l.value_known_on <= %(cutoff)s::date then l.forward_revenue end as forward_revenue,
    case when l.value_known_on <= %(cutoff)s::date then l.value_known_on end as value_known_on,
    case when l.contractual_known_on <= %(cutoff)s::date then l.is_churned_contractual::integer::double precision end
        as is_churned_contractual,
    case when l.contractual_known_on <= %(cutoff)s::date then l.contractual_known_on end as contractual_known_on,
    case
        when l.noncontractual_known_on <= %(cutoff)s::date then l.is_churned_noncontractual::integer::double precision
    end as is_churned_noncontractual,
    case when l.noncontractual_known_on <= %(cutoff)s::date then l.noncontractual_known_on end
        as noncontractual_known_on,
    case when l.expansion_known_on <= %(cutoff)s::date then l.is_expanded::integer::double precision end
        as is_expanded,
    case when l.expansion_known_on <= %(cutoff)s::date then l.expansion_amount end as expansion_amount,
    case when l.expansion_known_on <= %(cutoff)s::date then l.expansion_known_on end as expansion_known_on
from features.ftr_customers as f
left join features.lbl_customers as l on l.customer_id = f.customer_id and l.as_of_date = f.as_of_date
where f.as_of_date <= %(cutoff)s::date
    and ('x' || substr(md5(f.customer_id || %(seed)s::text), 1, 4))::bit(16)::integer < %(threshold)s::integer
order by f.as_of_date, f.customer_id

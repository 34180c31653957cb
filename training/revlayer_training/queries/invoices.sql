-- name: exists
select to_regclass('features.ftr_invoices') is not null and to_regclass('features.lbl_invoices') is not null

-- name: row_count
select count(*) from features.ftr_invoices where as_of_date <= %(cutoff)s::date

-- name: feature_columns
select column_name::text, data_type::text
from information_schema.columns
where table_schema = 'features' and table_name = 'ftr_invoices'
order by ordinal_position

-- name: training_rows
-- What is known by the cutoff only; an invoice that was settled once and is open again tells nothing of a first
-- payment. Sampled by two bytes of a hash of the id.
select
    f.invoice_id,
    f.as_of_date,
    {columns},
    l.is_paid,
    l.settled_on,
    l.settled_known_on
from features.ftr_invoices as f
left join features.lbl_invoices as l
    on l.invoice_id = f.invoice_id and l.settled_known_on <= %(cutoff)s::date
where f.as_of_date <= %(cutoff)s::date
    and coalesce(l.settled_known_on > f.as_of_date, true)
    and ('x' || substr(md5(f.invoice_id || %(seed)s::text), 1, 4))::bit(16)::integer < %(threshold)s::integer
order by f.as_of_date, f.invoice_id

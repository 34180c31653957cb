-- A row of an event as column → value; null where the event has none.
create or replace function audit.named(p_columns jsonb, p_row jsonb)
returns jsonb
language sql
immutable
parallel safe
as $$
select case jsonb_typeof(p_row)
    when 'object' then p_row
    when 'array' then (
        select jsonb_object_agg(c.name, r.value order by c.place)
        from jsonb_array_elements_text(p_columns) with ordinality as c (name, place)
        inner join jsonb_array_elements(p_row) with ordinality as r (value, place) on c.place = r.place
    )
end
$$;

comment on function audit.named(jsonb, jsonb) is 'Values of an event''s row by the names of their columns.';

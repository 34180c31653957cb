-- Grain: one row: a fingerprint of all that recurring revenue hangs on besides the rows of the customers.
with parts as (
    {%- for name, relation in [
        ('prices', ref('int_price_spans')),
        ('plans', ref('int_plans_identified')),
        ('rates', ref('int_exchange_rates_daily')),
        ('identities', ref('int_entity_identities')),
    ] %}
    select '{{ name }}' as part, sum({{ row_fingerprint('part') }}) as fingerprint
    from {{ relation }} as part
    {%- if name == 'identities' %} where part.entity = 'product'{% endif %}
    union all
    {%- endfor %}
    select 'tiers' as part, sum(row_fingerprint) as fingerprint from {{ ref('stg_billing__price_tiers') }}
)

select
    '{{ as_of_text() }} {{ var("reporting_currency") }} {{ reporting_time_zone() }} {{ var("committed_mrr_days") }} '
    || '{{ var("calendar_start_on") }} {{ recurring_text() }} '
    || {{ string_agg_ordered(
        "part || ' ' || coalesce(cast(fingerprint as " ~ dbt.type_string() ~ "), '')", ' ', 'part'
    ) }} as circumstances
from parts

-- Grain: one row per deal and as-of date with a declared attribute; empty when none is declared.
{%- set attributes = deal_attributes() %}
with spans as (
    select
        coalesce(identities.canonical_id, attributes.source_key) as deal_id,
        attributes.attribute_name,
        attributes.attribute_value,
        attributes.known_on as valid_from_on,
        coalesce(
            lead(attributes.known_on) over (
                partition by coalesce(identities.canonical_id, attributes.source_key), attributes.attribute_name
                order by attributes.recorded_at, attributes.source_key
            ),
            {{ end_of_time() }}
        ) as valid_to_on
    from {{ ref('stg_crm__entity_attributes') }} as attributes
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'deal' and attributes.source_key = identities.source_key
    where attributes.entity = 'deal'
        and attributes.attribute_name in (
            {%- for attribute in attributes %}'{{ attribute.name }}'{{ ', ' if not loop.last }}{% else %}''{% endfor -%}
        )
)

select
    deals.deal_id,
    deals.as_of_date
    {%- for attribute in attributes %},
    max(case when spans.attribute_name = '{{ attribute.name }}'
        {%- if attribute.type == 'number' %}
        and {{ matches('spans.attribute_value', number_pattern()) }}
        then cast(spans.attribute_value as {{ type_double() }})
        {%- else %}
        then spans.attribute_value
        {%- endif %} end) as {{ attribute.column }}
    {%- endfor %}
from {{ ref('int_deals_as_of') }} as deals
inner join spans on deals.deal_id = spans.deal_id and {{ valid_on('spans', 'deals.as_of_date') }}
group by deals.deal_id, deals.as_of_date

-- Grain: one row per document line, kind of entry and day; without a line: what a header has beyond its lines.
-- Amounts have the sign with which they move what is owed to the tax office. A voided document's are taken back.
{%- set shared = [
    'document_kind', 'document_id', 'line_id', 'customer_id', 'currency_code', 'country_code', 'region_code',
    'tax_class', 'rule', 'tax_rate_id', 'is_reverse_charge',
] %}
with kinds as (
    select 'output' as entry_kind
    union all
    select 'input' as entry_kind
),

amounts as (
    select
        case document_kind when 'invoice' then 'output' when 'credit_note' then 'credit' else 'input' end as entry_kind,
        {{ shared | join(', ') }}, counts_from_on as occurred_on, counts_to_on, net_amount, tax_amount,
        false as is_self_assessed
    from {{ ref('int_tax_lines_rated') }}

    union all

    -- What the buyer owes on a supplier's bill is owed and deducted at once.
    select
        kinds.entry_kind,
        {{ shared | join(', ') }}, counts_from_on, counts_to_on, 0 as net_amount, self_assessed_tax_amount,
        true as is_self_assessed
    from {{ ref('int_tax_lines_rated') }}
    cross join kinds
    where self_assessed_tax_amount is not null

    union all

    select
        case document_kind
            when 'invoice' then 'output' when 'credit_note' then 'credit' when 'write_off' then 'bad_debt' else 'input'
        end as entry_kind,
        document_kind, document_id, null as line_id, customer_id, currency_code, country_code, region_code,
        null as tax_class, null as rule, null as tax_rate_id, null as is_reverse_charge, occurred_on, counts_to_on,
        0 as net_amount, step_amount, false as is_self_assessed
    from {{ ref('int_tax_headers') }}
    where step_amount <> 0
),

signed as (
    select
        entry_kind, {{ shared | join(', ') }}, occurred_on, counts_to_on, is_self_assessed,
        case when entry_kind = 'output' then net_amount else -net_amount end as net_amount,
        case when entry_kind = 'output' then tax_amount else -tax_amount end as tax_amount
    from amounts
),

entries as (
    select
        entry_kind, false as is_reversal, is_self_assessed, {{ shared | join(', ') }}, occurred_on,
        net_amount, tax_amount
    from signed

    union all

    select
        entry_kind, true as is_reversal, is_self_assessed, {{ shared | join(', ') }}, counts_to_on,
        -sum(net_amount) as net_amount, -sum(tax_amount) as tax_amount
    from signed
    where counts_to_on < {{ end_of_time() }}
    group by entry_kind, is_self_assessed, {{ shared | join(', ') }}, counts_to_on
)

select
    entry_kind,
    is_reversal,
    is_self_assessed,
    {{ shared | join(',\n    ') }},
    occurred_on,
    cast(net_amount as {{ type_money() }}) as net_amount,
    cast(tax_amount as {{ type_money() }}) as tax_amount
from entries
where occurred_on <= {{ as_of_date() }}

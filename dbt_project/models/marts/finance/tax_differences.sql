-- Grain: one row per line whose tax is not what its rule gives, and per document whose header differs from its lines.
-- Of documents that count on the as-of date; a cent of a line is rounding.
with lines as (
    select
        case
            when rule <> 'none' then 'rate'
            when is_reverse_charge then 'reverse_charge_without_rate'
            else 'no_rate'
        end as difference,
        document_kind, document_id, line_id, customer_id, currency_code, country_code, region_code, tax_class,
        counts_from_on as issued_on, rated_on, rule, rate, tax_rate_id, stated_tax_rate_id, net_amount,
        tax_amount, expected_tax_amount
    from {{ ref('int_tax_lines_rated') }}
    where counts_from_on <= {{ as_of_date() }} and counts_to_on > {{ as_of_date() }}
        and (
            abs(tax_amount - expected_tax_amount) > 0.01
            or (rule = 'none' and tax_amount <> 0)
            or (rule = 'none' and is_reverse_charge and document_kind = 'supplier_bill')
        )
),

headers as (
    select
        *,
        row_number() over (partition by document_kind, document_id order by occurred_on desc) as state_number
    from {{ ref('int_tax_headers') }}
    where occurred_on <= {{ as_of_date() }} and counts_to_on > {{ as_of_date() }} and line_count > 0
),

differences as (
    select * from lines

    union all

    select
        'header' as difference, document_kind, document_id, null as line_id, customer_id, currency_code, country_code,
        region_code, null as tax_class, counts_from_on, null as rated_on, null as rule, null as rate,
        null as tax_rate_id, null as stated_tax_rate_id, null as net_amount, tax_amount, lines_tax_amount
    from headers
    where state_number = 1 and tax_amount <> lines_tax_amount
)

select
    difference,
    document_kind, document_id, line_id, customer_id, currency_code, country_code, region_code, tax_class,
    issued_on, rated_on, rule, rate, tax_rate_id, stated_tax_rate_id, net_amount, tax_amount, expected_tax_amount,
    cast(tax_amount - expected_tax_amount as {{ type_money() }}) as difference_amount
from differences

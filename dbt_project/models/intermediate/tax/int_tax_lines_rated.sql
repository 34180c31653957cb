-- Grain: one row per line of a document that can carry tax, with the rule that gives its rate.
-- Without a rule the rate is null: that no rate is known does not make it 0.
with exemptions as (
    select
        lines.document_kind,
        lines.line_id,
        exemptions.tax_exemption_id,
        row_number() over (
            partition by lines.document_kind, lines.line_id
            order by exemptions.specificity desc, exemptions.valid_from_on desc, exemptions.tax_exemption_id
        ) as exemption_number
    from {{ ref('int_tax_lines') }} as lines
    inner join {{ ref('int_tax_exemptions_known') }} as exemptions
        on lines.customer_id = exemptions.customer_id
        and {{ valid_on('exemptions', 'lines.rated_on') }}
        and {{ tax_covers('exemptions', 'lines', ['country_code', 'region_code', 'tax_class']) }}
),

ruled as (
    select
        lines.*,
        exemptions.tax_exemption_id,
        situations.tax_rate_id,
        situations.tax_rate_name,
        situations.rate as found_rate,
        case
            when exemptions.tax_exemption_id is not null then 'exempt'
            when situations.tax_rate_id is null then 'none'
            when situations.is_reverse_charge and lines.customer_kind = 'business' then 'reverse_charge'
            else 'rate'
        end as rule
    from {{ ref('int_tax_lines') }} as lines
    left join exemptions
        on lines.document_kind = exemptions.document_kind and lines.line_id = exemptions.line_id
        and exemptions.exemption_number = 1
    -- Written so that missing parts compare equal and the join stays one of equals.
    left join {{ ref('int_tax_situations_rated') }} as situations
        on lines.country_code = situations.country_code
        and lines.rated_on = situations.rated_on
        and lines.customer_kind = situations.customer_kind
        and coalesce('=' || lines.region_code, '') = coalesce('=' || situations.region_code, '')
        and coalesce('=' || lines.tax_class, '') = coalesce('=' || situations.tax_class, '')
),

rated as (
    select
        ruled.*,
        case ruled.rule when 'rate' then ruled.found_rate when 'none' then null else 0 end as rate,
        case when ruled.rule = 'reverse_charge' then ruled.found_rate end as reverse_charge_rate
    from ruled
)

select
    document_kind, document_id, line_id, customer_id, customer_kind, currency_code, country_code, region_code,
    tax_class, stated_tax_rate_id, counts_from_on, counts_to_on, rated_on, net_amount, tax_amount,
    rule,
    cast(rate as {{ type_double() }}) as rate,
    case when rule in ('rate', 'reverse_charge') then tax_rate_id end as tax_rate_id,
    case when rule in ('rate', 'reverse_charge') then tax_rate_name end as tax_rate_name,
    tax_exemption_id,
    cast(reverse_charge_rate as {{ type_double() }}) as reverse_charge_rate,
    coalesce(is_reverse_charge, rule = 'reverse_charge') as is_reverse_charge,
    -- Decimals, so that every engine rounds alike. Of a bill that the buyer taxes the supplier charges nothing.
    cast(round(
        net_amount * cast(
            case when document_kind = 'supplier_bill' and is_reverse_charge then 0 else rate end as decimal(12, 8)
        ), 2
    ) as {{ type_money() }}) as expected_tax_amount,
    case when document_kind = 'supplier_bill' and coalesce(is_reverse_charge, rule = 'reverse_charge')
        then cast(
            round(net_amount * cast(coalesce(reverse_charge_rate, rate) as decimal(12, 8)), 2) as {{ type_money() }}
        )
    end as self_assessed_tax_amount
from rated

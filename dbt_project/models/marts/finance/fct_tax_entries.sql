-- Grain: one row per document line, kind of entry and day; without a line: what a header has beyond its lines.
-- The ledger that tax liabilities add up from.
select
    entry_kind,
    is_reversal,
    is_self_assessed,
    document_kind,
    document_id,
    line_id,
    customer_id,
    currency_code,
    country_code,
    region_code,
    tax_class,
    rule,
    tax_rate_id,
    is_reverse_charge,
    occurred_on,
    net_amount,
    tax_amount
from {{ ref('int_tax_entries') }}

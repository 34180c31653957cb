-- name: clear_deals
delete from raw.deals where source_name = %(source_name)s;

-- name: clear_deal_changes
delete from raw.deal_changes where source_name = %(source_name)s;

-- name: clear_activities
delete from raw.activities where source_name = %(source_name)s;

-- name: clear_accounts
delete from raw.accounts where source_name = %(source_name)s;

-- name: clear_account_changes
delete from raw.account_changes where source_name = %(source_name)s;

-- name: clear_owners
delete from raw.owners where source_name = %(source_name)s;

-- name: clear_owner_changes
delete from raw.owner_changes where source_name = %(source_name)s;

-- name: clear_products
delete from raw.products where source_name = %(source_name)s;

-- name: clear_product_changes
delete from raw.product_changes where source_name = %(source_name)s;

-- name: clear_stages
delete from raw.stages where source_name = %(source_name)s;

-- name: clear_exchange_rates
delete from raw.exchange_rates where source_name = %(source_name)s;

-- name: clear_entity_links
delete from raw.entity_links where source_name = %(source_name)s;

-- name: clear_entity_attributes
delete from raw.entity_attributes where source_name = %(source_name)s;

-- name: clear_deal_win_probability
delete from truth.deal_win_probability where starts_with(deal_id, %(source_name)s || ':');

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

-- name: clear_billing_customers
delete from raw.billing_customers where source_name = %(source_name)s;

-- name: clear_billing_customer_changes
delete from raw.billing_customer_changes where source_name = %(source_name)s;

-- name: clear_plans
delete from raw.plans where source_name = %(source_name)s;

-- name: clear_plan_changes
delete from raw.plan_changes where source_name = %(source_name)s;

-- name: clear_prices
delete from raw.prices where source_name = %(source_name)s;

-- name: clear_price_changes
delete from raw.price_changes where source_name = %(source_name)s;

-- name: clear_price_tiers
delete from raw.price_tiers where source_name = %(source_name)s;

-- name: clear_subscriptions
delete from raw.subscriptions where source_name = %(source_name)s;

-- name: clear_subscription_items
delete from raw.subscription_items where source_name = %(source_name)s;

-- name: clear_subscription_changes
delete from raw.subscription_changes where source_name = %(source_name)s;

-- name: clear_invoices
delete from raw.invoices where source_name = %(source_name)s;

-- name: clear_invoice_changes
delete from raw.invoice_changes where source_name = %(source_name)s;

-- name: clear_invoice_lines
delete from raw.invoice_lines where source_name = %(source_name)s;

-- name: clear_revenue_milestones
delete from raw.revenue_milestones where source_name = %(source_name)s;

-- name: clear_payments
delete from raw.payments where source_name = %(source_name)s;

-- name: clear_payment_changes
delete from raw.payment_changes where source_name = %(source_name)s;

-- name: clear_payment_allocations
delete from raw.payment_allocations where source_name = %(source_name)s;

-- name: clear_refunds
delete from raw.refunds where source_name = %(source_name)s;

-- name: clear_credit_notes
delete from raw.credit_notes where source_name = %(source_name)s;

-- name: clear_credit_note_lines
delete from raw.credit_note_lines where source_name = %(source_name)s;

-- name: clear_credit_note_allocations
delete from raw.credit_note_allocations where source_name = %(source_name)s;

-- name: clear_write_offs
delete from raw.write_offs where source_name = %(source_name)s;

-- name: clear_suppliers
delete from raw.suppliers where source_name = %(source_name)s;

-- name: clear_supplier_bills
delete from raw.supplier_bills where source_name = %(source_name)s;

-- name: clear_supplier_bill_changes
delete from raw.supplier_bill_changes where source_name = %(source_name)s;

-- name: clear_supplier_bill_lines
delete from raw.supplier_bill_lines where source_name = %(source_name)s;

-- name: clear_supplier_payments
delete from raw.supplier_payments where source_name = %(source_name)s;

-- name: clear_tax_rates
delete from raw.tax_rates where source_name = %(source_name)s;

-- name: clear_tax_exemptions
delete from raw.tax_exemptions where source_name = %(source_name)s;

-- name: clear_deal_win_probability
delete from truth.deal_win_probability where starts_with(deal_id, %(source_name)s || ':');

-- name: clear_customers
delete from raw.customers where source_name = %(source_name)s;

-- name: clear_customer_changes
delete from raw.customer_changes where source_name = %(source_name)s;

-- name: clear_usage_events
delete from raw.usage_events where source_name = %(source_name)s;

-- name: clear_daily_usage
delete from raw.daily_usage where source_name = %(source_name)s;

-- name: clear_sessions
delete from raw.sessions where source_name = %(source_name)s;

-- name: clear_tickets
delete from raw.tickets where source_name = %(source_name)s;

-- name: clear_ticket_changes
delete from raw.ticket_changes where source_name = %(source_name)s;

-- name: clear_orders
delete from raw.orders where source_name = %(source_name)s;

-- name: clear_order_changes
delete from raw.order_changes where source_name = %(source_name)s;

-- name: clear_order_lines
delete from raw.order_lines where source_name = %(source_name)s;

-- name: clear_installs
delete from raw.installs where source_name = %(source_name)s;

-- name: clear_install_events
delete from raw.install_events where source_name = %(source_name)s;

-- name: clear_install_ad_revenues
delete from raw.install_ad_revenues where source_name = %(source_name)s;

-- name: clear_shopper_states
delete from truth.shopper_states where starts_with(customer_id, %(source_name)s || ':');

-- name: clear_subscription_disengagements
delete from truth.subscription_disengagements where starts_with(subscription_id, %(source_name)s || ':');

-- name: clear_install_revenue
delete from truth.install_revenue where starts_with(install_id, %(source_name)s || ':');

-- Rows of few subscriptions are found by the key that staging gives them, so that a build after few changes reads few.
drop index raw.subscription_items_source_name_subscription_source_id_idx;
drop index raw.subscription_changes_source_name_subscription_source_id_idx;
create index subscription_items_by_subscription on raw.subscription_items
((source_name || ':' || subscription_source_id));
create index subscription_changes_by_subscription on raw.subscription_changes
((source_name || ':' || subscription_source_id));
create index subscription_changes_by_item on raw.subscription_changes
((source_name || ':' || subscription_item_source_id));

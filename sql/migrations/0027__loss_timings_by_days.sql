-- When deals are lost depends on how long they have been in their stage: rows by class of days. Runs from before have
-- none, and rows without days are of any.
alter table scoring.deal_loss_timings
    add column days_in_stage_from integer check (days_in_stage_from >= 0),
    add column days_in_stage_to integer check (days_in_stage_to >= days_in_stage_from);

comment on table scoring.deal_loss_timings is 'When open deals are lost, given that they are not won, by stage and days in it.';

-- A promotion and a rollback both make a champion, but each further rollback must go one model further back:
-- the history says which of the two it was.
alter table scoring.model_events
add column action text not null default 'promote'
check (action in ('register', 'promote', 'rollback'));

comment on column scoring.model_events.action is 'What was asked for: register, promote or rollback.';

-- What the schema file cannot say.

-- Room on each page for the next versions of its rows, so that a hold, a sale and a release stay HOT.
alter table seats set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
alter table bookings set (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
alter table booking_seats set (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint

-- The state machine, also for SQL written by hand. The conditions stand in WHEN: a legal change costs no call.
create function refuse_illegal_change() returns trigger language plpgsql as $$
begin
  raise exception '%: illegal change of %: % -> %', tg_name, tg_table_name, to_jsonb(old) ->> 'status', to_jsonb(new) ->> 'status'
    using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
end
$$;
--> statement-breakpoint
create trigger bookings_start_pending before insert on bookings for each row
  when (new.status <> 'PENDING')
  execute function refuse_illegal_change();
--> statement-breakpoint
create trigger bookings_legal_edge before update on bookings for each row
  when (
    (new.status <> old.status and (old.status <> 'PENDING' or new.status not in ('CONFIRMED', 'EXPIRED', 'CANCELLED')))
    or (new.id, new.event_id, new.user_id, new.created_at, new.expires_at) is distinct from (old.id, old.event_id, old.user_id, old.created_at, old.expires_at)
  )
  execute function refuse_illegal_change();
--> statement-breakpoint
create trigger seats_start_available before insert on seats for each row
  when (new.status <> 'AVAILABLE' or new.version <> 0)
  execute function refuse_illegal_change();
--> statement-breakpoint
-- RESERVED -> RESERVED is a reclaim: the overdue hold ends and the new one begins in one update, two versions on.
create trigger seats_legal_edge before update on seats for each row
  when (
    not (
      (new.status = old.status and new.version = old.version)
      or (old.status = 'AVAILABLE' and new.status = 'RESERVED' and new.version = old.version + 1)
      or (old.status = 'RESERVED' and new.status in ('AVAILABLE', 'SOLD') and new.version = old.version + 1)
      or (old.status = 'RESERVED' and new.status = 'RESERVED' and new.version = old.version + 2)
    )
    or (new.id, new.event_id) is distinct from (old.id, old.event_id)
  )
  execute function refuse_illegal_change();
--> statement-breakpoint
create trigger booking_events_append_only before update on booking_events for each row
  execute function refuse_illegal_change();

-- contract: the ids of earlier builds say nothing of their event, and no installation has any.
do $$
begin
  if exists (select from events where right(id::text, 8) <> '00000000') then
    raise exception 'This database has events of a build before seat ids carried their event: empty it, with "npm start -- --fresh" if it is the one of npm start.';
  end if;
end
$$;
--> statement-breakpoint
drop index seats_id_idx;
--> statement-breakpoint
-- At the insert only: the trigger of changes refuses another id.
drop trigger seats_start_available on seats;
--> statement-breakpoint
create trigger seats_start_available before insert on seats for each row
  when (new.status <> 'AVAILABLE' or new.version <> 0 or left(new.id::text, 28) <> left(new.event_id::text, 28))
  execute function refuse_illegal_change();

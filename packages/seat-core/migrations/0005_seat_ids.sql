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
--> statement-breakpoint
-- Order lines are inserted by statements that have just locked the seat and made the booking. What is left of the foreign
-- keys costs a delete something, and a sale nothing.
alter table booking_seats drop constraint booking_seats_booking_fkey, drop constraint booking_seats_seat_fkey;
--> statement-breakpoint
create function refuse_delete_of_booked() returns trigger language plpgsql as $$
declare
  is_booked boolean;
begin
  if tg_table_name = 'seats' then
    is_booked := exists (
      select from booking_seats where event_id = old.event_id and seat_id = old.id and live
    );
  else
    is_booked := exists (select from booking_seats where event_id = old.event_id and booking_id = old.id);
  end if;
  if is_booked then
    raise exception '%: a row of % that order lines name cannot be deleted', tg_name, tg_table_name
      using errcode = 'foreign_key_violation', constraint = tg_name, table = tg_table_name;
  end if;
  return old;
end
$$;
--> statement-breakpoint
create trigger seats_not_booked before delete on seats for each row execute function refuse_delete_of_booked();
--> statement-breakpoint
create trigger bookings_without_lines before delete on bookings for each row execute function refuse_delete_of_booked();
--> statement-breakpoint
alter table seat_counting add column seen_before xid8;

CREATE TABLE "seat_blocks" (
	"event_id" uuid NOT NULL,
	"first_seat_id" uuid NOT NULL,
	"last_seat_id" uuid NOT NULL,
	"available" integer NOT NULL,
	"reserved" integer NOT NULL,
	"sold" integer NOT NULL,
	CONSTRAINT "seat_blocks_pkey" PRIMARY KEY("event_id","first_seat_id")
);
--> statement-breakpoint
CREATE TABLE "seat_counting" (
	"id" smallint DEFAULT 1 NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"counted_until" timestamp (3) with time zone DEFAULT now() - interval '3 seconds' NOT NULL,
	"walked_event_id" uuid DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	"walked_seat_id" uuid DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	CONSTRAINT "seat_counting_pkey" PRIMARY KEY("id"),
	CONSTRAINT "seat_counting_id_check" CHECK ("seat_counting"."id" = 1)
);
--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "section_count" integer;--> statement-breakpoint
CREATE INDEX "seat_blocks_free_idx" ON "seat_blocks" USING btree ("event_id") WHERE "seat_blocks"."available" > 0;--> statement-breakpoint
-- The one row.
INSERT INTO "seat_counting" DEFAULT VALUES;

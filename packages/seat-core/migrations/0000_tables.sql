CREATE TABLE "booking_events" (
	"event_id" uuid NOT NULL,
	"booking_id" uuid NOT NULL,
	"from_status" text,
	"to_status" text NOT NULL,
	"cause" text NOT NULL,
	"actor" text NOT NULL,
	"request_id" text,
	"at" timestamp (3) with time zone NOT NULL,
	"seat_ids" uuid[] NOT NULL,
	"seat_versions" bigint[] NOT NULL,
	"user_id" text,
	"prices" bigint[],
	"currency" text,
	"expires_at" timestamp (3) with time zone,
	CONSTRAINT "booking_events_pkey" PRIMARY KEY("event_id","booking_id","to_status"),
	CONSTRAINT "booking_events_edge_check" CHECK (case when "booking_events"."from_status" is null then "booking_events"."to_status" = 'PENDING'
        else "booking_events"."from_status" = 'PENDING' and "booking_events"."to_status" in ('CONFIRMED', 'EXPIRED', 'CANCELLED') end),
	CONSTRAINT "booking_events_cause_check" CHECK ("booking_events"."cause" in ('hold', 'confirm', 'release', 'job', 'sweep', 'reclaim')),
	CONSTRAINT "booking_events_seats_check" CHECK (cardinality("booking_events"."seat_ids") = cardinality("booking_events"."seat_versions")),
	CONSTRAINT "booking_events_creation_check" CHECK (("booking_events"."to_status" = 'PENDING') = ("booking_events"."user_id" is not null and "booking_events"."prices" is not null
        and "booking_events"."currency" is not null and "booking_events"."expires_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "booking_seats" (
	"event_id" uuid NOT NULL,
	"booking_id" uuid NOT NULL,
	"seat_id" uuid NOT NULL,
	"price_amount" bigint NOT NULL,
	"live" boolean NOT NULL,
	CONSTRAINT "booking_seats_pkey" PRIMARY KEY("event_id","booking_id","seat_id")
);
--> statement-breakpoint
CREATE TABLE "bookings" (
	"id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"status" text NOT NULL,
	"seat_count" smallint NOT NULL,
	"total_amount" bigint NOT NULL,
	"currency" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	CONSTRAINT "bookings_pkey" PRIMARY KEY("id","event_id"),
	CONSTRAINT "bookings_status_check" CHECK ("bookings"."status" in ('PENDING', 'CONFIRMED', 'EXPIRED', 'CANCELLED')),
	CONSTRAINT "bookings_user_id_check" CHECK (char_length("bookings"."user_id") between 1 and 128),
	CONSTRAINT "bookings_seat_count_check" CHECK ("bookings"."seat_count" >= 1),
	CONSTRAINT "bookings_confirmed_at_check" CHECK (("bookings"."status" = 'CONFIRMED') = ("bookings"."confirmed_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"venue" text NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"sections" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "events_pkey" PRIMARY KEY("id")
);
--> statement-breakpoint
CREATE TABLE "seats" (
	"event_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"section" text NOT NULL,
	"row" text NOT NULL,
	"number" integer NOT NULL,
	"price_amount" bigint NOT NULL,
	"currency" text NOT NULL,
	"status" text DEFAULT 'AVAILABLE' NOT NULL,
	"version" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "seats_pkey" PRIMARY KEY("event_id","id"),
	CONSTRAINT "seats_place_key" UNIQUE("event_id","section","row","number"),
	CONSTRAINT "seats_status_check" CHECK ("seats"."status" in ('AVAILABLE', 'RESERVED', 'SOLD')),
	CONSTRAINT "seats_number_check" CHECK ("seats"."number" >= 1),
	CONSTRAINT "seats_price_check" CHECK ("seats"."price_amount" >= 0),
	CONSTRAINT "seats_version_check" CHECK ("seats"."version" >= 0)
);
--> statement-breakpoint
ALTER TABLE "booking_seats" ADD CONSTRAINT "booking_seats_booking_fkey" FOREIGN KEY ("booking_id","event_id") REFERENCES "public"."bookings"("id","event_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "booking_seats" ADD CONSTRAINT "booking_seats_seat_fkey" FOREIGN KEY ("event_id","seat_id") REFERENCES "public"."seats"("event_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "booking_events_at_idx" ON "booking_events" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "booking_seats_live_seat_key" ON "booking_seats" USING btree ("event_id","seat_id") WHERE "booking_seats"."live";--> statement-breakpoint
CREATE INDEX "bookings_overdue_idx" ON "bookings" USING btree ("expires_at") WHERE "bookings"."status" = 'PENDING';--> statement-breakpoint
CREATE INDEX "bookings_live_of_user_idx" ON "bookings" USING btree ("event_id","user_id") WHERE "bookings"."status" in ('PENDING', 'CONFIRMED');--> statement-breakpoint
CREATE INDEX "events_starts_at_idx" ON "events" USING btree ("starts_at","id");--> statement-breakpoint
CREATE INDEX "seats_id_idx" ON "seats" USING btree ("id");
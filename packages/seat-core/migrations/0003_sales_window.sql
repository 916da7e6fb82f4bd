ALTER TABLE "events" ADD COLUMN "sales_open_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "sales_close_at" timestamp (3) with time zone;
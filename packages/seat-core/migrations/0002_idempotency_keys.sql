CREATE TABLE "idempotency_keys" (
	"id" "bytea" NOT NULL,
	"fingerprint" "bytea" NOT NULL,
	"event_id" uuid NOT NULL,
	"booking_id" uuid,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("id"),
	CONSTRAINT "idempotency_keys_id_check" CHECK (octet_length("idempotency_keys"."id") = 32),
	CONSTRAINT "idempotency_keys_fingerprint_check" CHECK (octet_length("idempotency_keys"."fingerprint") = 32)
);
--> statement-breakpoint
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys" USING brin ("created_at");
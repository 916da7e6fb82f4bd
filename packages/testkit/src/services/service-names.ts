export const serviceNames = ['booking-api', 'payment-api', 'expiry-worker'] as const;

/** The services of this repository, by the names of their folders in `apps`. */
export type ServiceName = (typeof serviceNames)[number];

/** The variable that holds the port of a service, and its default. */
export const servicePorts = {
  'booking-api': { variable: 'BOOKING_API_PORT', port: 3001 },
  'payment-api': { variable: 'PAYMENT_API_PORT', port: 3002 },
  'expiry-worker': { variable: 'EXPIRY_WORKER_PORT', port: 3003 },
} as const satisfies Record<ServiceName, { variable: string; port: number }>;

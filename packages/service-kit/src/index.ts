export { createPublicApi, describePublicApi, type PublicApiContext } from './public-api.ts';
export { runPublicApi } from './public-api.ts';
export { runService } from './run-service.ts';
export { assertInstallation } from './assert-installation.ts';

export {
  authenticationVariables,
  readAuthenticationSettings,
  type AuthenticationSettings,
} from './auth/authentication-settings.ts';
export { checkIdentityProvider } from './auth/check-identity-provider.ts';
export { seenBy, userIdOf } from './auth/caller.ts';
export {
  commonVariables,
  limitVariables,
  originVariables,
  queueRedisUrlVariable,
} from './config/common-variables.ts';
export { ConfigError, readConfig } from './config/read-config.ts';
export { bodylessRoutes } from './http/bodyless-routes.ts';
export { addressOf } from './http/client-address.ts';
export { createHttpService, type HttpServiceOptions } from './http/create-http-service.ts';
export type { HttpService } from './http/http-service.ts';
export { endUpgradedRequest } from './http/websocket-upgrade.ts';
export { idempotencyOf, tellReplay } from './idempotency/idempotency-keys.ts';
export { createLogger } from './logging/logger.ts';
export { openApiOf } from './openapi/api-docs.ts';
export { described } from './openapi/describe-route.ts';
export { HttpError } from './problems/http-error.ts';
export { problemAnswers } from './problems/problem-body.ts';
export { bookingSchema, exampleBooking, toBookingAnswer } from './schemas/booking-schema.ts';
export { exampleSeat, idSchema, moneySchema, seatSchema } from './schemas/booking-schema.ts';

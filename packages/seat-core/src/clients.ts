export { openDatabase, type Database, type DatabaseOptions } from './postgres/pool.ts';
export { closeRedis, openQueueRedis, openRedis, type RedisConnectionOptions } from './redis/connect.ts';
export {
  createExpiryQueue,
  expiryJobName,
  type ExpiryJobBooking,
  type ExpiryJobData,
  type ExpiryQueue,
} from './queue/expiry-queue.ts';

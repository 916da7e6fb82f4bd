/** Deletes a lock that still carries the token of the caller: a lock that another request has taken since stays. */
export const compareAndDelete = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

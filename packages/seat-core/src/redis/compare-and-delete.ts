/**
 * Deletes those locks that still carry the tokens of the caller: a lock that another request has taken since stays, and so does
 * a key of another type.
 */
export const compareAndDelete = `
for i, key in ipairs(KEYS) do
  if redis.pcall('get', key) == ARGV[i] then redis.call('del', key) end
end`;

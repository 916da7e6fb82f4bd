/**
 * What a service says of itself: "ready", "degraded", "stopping" …, or why it says nothing.
 * Only an answer 200 counts as its word that it serves.
 */
export async function askReadiness(url: string): Promise<{ serves: boolean; status: string }> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    const body: unknown = await response.json();
    const status =
      typeof body === 'object' && body !== null && 'status' in body ? String(body.status) : 'unknown';
    return { serves: response.status === 200, status };
  } catch (error) {
    return { serves: false, status: error instanceof Error ? describe(error) : String(error) };
  }
}

/** fetch hides the reason, such as ECONNREFUSED, in the cause. */
function describe(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

import { LogController } from 'fastify';

/** Silences the lines that Fastify writes per request: the observer writes one, with the outcome. */
export class RequestLogController extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(): void {}
  override requestCompleted(): void {}
  override routeNotFound(): void {}
}

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { drawPanels } from './draw-panels.ts';
import { fillPanel } from './fill-panel.ts';
import { readDashboards } from './read-dashboards.ts';
import type { Prometheus } from './start-prometheus.ts';

const seconds = 180;

export interface DashboardPage extends AsyncDisposable {
  readonly url: string;
}

/** The dashboards of infra/grafana as pictures of the last minutes, for where there is no Grafana. */
export async function serveDashboards(prometheus: Prometheus, port: number): Promise<DashboardPage> {
  const panels = await readDashboards();
  const titles = [...new Set(panels.map(({ dashboard }) => dashboard))];
  const page = async (): Promise<string> => {
    const to = Math.floor(Date.now() / 1_000);
    const span = { from: to - seconds, to };
    const pictures = titles.map(async (title) => {
      const own = panels.filter(({ dashboard }) => dashboard === title);
      const filled = await Promise.all(own.map((panel) => fillPanel(prometheus, panel, span.from, to)));
      return drawPanels(title, filled, span);
    });
    const head =
      '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Dashboards</title>';
    return `${head}\n${(await Promise.all(pictures)).join('')}`;
  };
  const answer = async (response: ServerResponse): Promise<void> => {
    try {
      const html = await page();
      response.setHeader('content-type', 'text/html').end(html);
    } catch (error) {
      response.writeHead(503, { 'content-type': 'text/plain' }).end(String(error));
    }
  };
  const server = createServer((_request, response) => void answer(response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

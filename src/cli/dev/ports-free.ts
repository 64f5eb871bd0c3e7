import { createServer } from 'node:net'
import { exitCodes } from '../../node/exit-codes.ts'
import type { NodePlace } from './layout.ts'
import { LayoutProblem } from './layout-problem.ts'

/** Looks before anything is started, so that the message names the port and not a node's log file. */
export async function checkPortsAreFree(places: readonly NodePlace[], others: readonly number[] = []): Promise<void> {
  const other = (places[0]?.port ?? 0) + 100
  for (const port of [...places.flatMap((it) => [it.port, it.controllerPort]), ...others]) {
    const code = await tryToListen(port)
    if (code === null) continue
    throw new LayoutProblem(
      code === 'EADDRINUSE'
        ? `Port ${port} is in use. Stop what listens there (ss -ltnp 'sport = :${port}' names it), or start at another port: --port ${other}.`
        : `Port ${port} cannot be taken (${code}). Choose another one with --port.`,
      exitCodes.port,
    )
  }
}

function tryToListen(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(null)))
  })
}

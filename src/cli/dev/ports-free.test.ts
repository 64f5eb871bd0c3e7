import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { exitCodes } from '../../node/exit-codes.ts'
import type { NodePlace } from './layout.ts'
import { checkPortsAreFree } from './ports-free.ts'

function place(port: number, controllerPort: number): NodePlace {
  return { id: 1, port, controllerPort, folder: '', propertiesFile: '', logFile: '' }
}

test('a port that somebody listens on is named with what to do, one that is free passes', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await assert.rejects(checkPortsAreFree([place(port, 0)]), {
    name: 'LayoutProblem',
    exitCode: exitCodes.port,
    message: new RegExp(`Port ${port} is in use.*--port ${port + 100}`),
  })
  await assert.rejects(checkPortsAreFree([place(0, port)]), new RegExp(`Port ${port} is in use`))
  await new Promise((resolve) => server.close(resolve))
  await checkPortsAreFree([place(port, 0)])
})

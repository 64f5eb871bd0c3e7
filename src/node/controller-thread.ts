import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import type { Log } from '../base/ports.ts'
import { type FromController, isToController, type ThreadStart } from './controller-messages.ts'
import { failureOf } from './failures.ts'
import { watchLoop } from './loop-watch.ts'
import { makeController } from './parts.ts'
import { systemPorts } from './ports.ts'

/** Entry of the controller's thread: it has an event loop of its own, so that elections and heartbeats never wait behind data. */
const parent = parentPort
assert(parent !== null, 'the controller runs in a thread')
// What the other thread of this process posts is not checked: it is the same program.
const start = workerData as ThreadStart
const say = (message: FromController): void => parent.postMessage(message)
const log: Log = { write: (level, event, message, fields) => say({ kind: 'log', level, event, message, fields: fields ?? {} }) }
const ports = systemPorts(log, start.config.socketListenBacklogSize)

async function run(): Promise<void> {
  const controller = await makeController(ports, start)
  watchLoop(ports, 'controller', start.config.brokerSessionTimeoutMs / 4)
  parent?.on('message', (message: unknown) => {
    if (!isToController(message)) return
    void controller.stop().then(() => say({ kind: 'stopped' }))
  })
  await controller.start()
  say({ kind: 'started' })
}

run().catch((error: unknown) => say({ kind: 'failed', ...failureOf(error) }))

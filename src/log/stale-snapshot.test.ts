import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogWorld, makeBatch } from '../sim/log-world.ts'

test('producers of a history that a power cut has taken are not found again when the log has grown beyond their snapshot', async () => {
  const world = new LogWorld()
  const log = await world.open()
  log.appendAsLeader(makeBatch({ records: 5, producerId: 7, baseSequence: 0 }), 1, 0)
  log.roll(0)
  world.disk.kill()
  for (const name of world.disk.list('logs/t-0')) if (name.endsWith('.log')) world.disk.remove(`logs/t-0/${name}`)
  const empty = await world.open()
  assert.equal(empty.logEndOffset, 0)
  empty.appendAsLeader(makeBatch({ records: 9, producerId: 8, baseSequence: 0 }), 2, 0)
  empty.roll(0)
  await empty.flush()
  world.recoveryPoint = empty.recoveryPoint
  world.disk.kill()
  world.disk.remove('logs/t-0/00000000000000000009.snapshot')
  const again = await world.open()
  assert.deepEqual(
    again.describeProducers().map((it) => it.producerId),
    [8],
  )
})

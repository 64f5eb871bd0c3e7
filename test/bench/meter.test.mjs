import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busySecondsOf, cpuSecondsOf, Meter, numberIn, Strangers } from '../../bench/meter.mjs'

test('processor time is found after a name with blanks and brackets', () => {
  const stat = '1234 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 30 20 20 0 7 0 100'
  assert.deepEqual(cpuSecondsOf(stat), { own: 3, children: 0.5 })
})

test('a number is found by the whole of its name', () => {
  assert.equal(numberIn('cancelled_write_bytes: 5\nwrite_bytes: 7\n', 'write_bytes'), 7)
  assert.equal(numberIn('VmRSS:\t  2048 kB\n', 'VmRSS'), 2048)
})

test('waiting is not work', () => {
  assert.equal(busySecondsOf('cpu  100 200 300 9999 8888 10 20 30 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n'), 6.6)
})

test('a meter counts what this process does', { skip: process.platform === 'linux' ? false : 'needs Linux (/proc)' }, () => {
  const meter = new Meter([process.pid])
  const strangers = new Strangers(() => [])
  const until = process.cpuUsage().user + 100_000
  while (process.cpuUsage().user < until);
  meter.end()
  assert.ok(meter.sum('cpuSeconds') >= 0.05, `${meter.sum('cpuSeconds')}`)
  assert.ok(meter.sum('rssMiB') > 10)
  assert.ok(strangers.processors() >= 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyCommand, KeyReader } from './keys.ts'

function press(keys: string, nodes = 3): readonly KeyCommand[] {
  const reader = new KeyReader(nodes)
  return keys
    .split('')
    .map((key) => reader.press(key))
    .filter((it) => it !== null)
}

test('a letter and the number of a node are a command', () => {
  assert.deepEqual(press('k1p2t3r1'), [
    { action: 'kill', node: 1 },
    { action: 'pause', node: 2 },
    { action: 'stop', node: 3 },
    { action: 'restart', node: 1 },
  ])
})

test('what concerns all nodes takes no number', () => {
  assert.deepEqual(
    press('sh?q').map(({ action }) => action),
    ['status', 'help', 'help', 'quit'],
  )
})

test('numbers of nodes that are not there, and numbers without a letter, do nothing', () => {
  assert.deepEqual(press('k4k0 12 9'), [])
  assert.deepEqual(press('k3', 2), [])
})

test('any other key forgets the letter', () => {
  assert.deepEqual(press('kx1'), [])
  assert.deepEqual(press('k 1'), [])
  assert.deepEqual(press('kp1'), [{ action: 'pause', node: 1 }])
  assert.deepEqual(press('k11'), [{ action: 'kill', node: 1 }])
})

test('Ctrl-C and Ctrl-D quit, whatever came before', () => {
  assert.deepEqual(press('k\u0003'), [{ action: 'quit', node: 0 }])
  assert.deepEqual(press('\u0004'), [{ action: 'quit', node: 0 }])
})

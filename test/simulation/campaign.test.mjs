// Whole clusters, seed after seed, on all processors: `npm run sim -- --kind cluster` over the first seeds. ODRADEK_SEEDS says how many.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../scripts/prepare.mjs'

const dist = process.env.ODRADEK_DIST ?? join(root, 'dist')
const seeds = Number(process.env.ODRADEK_SEEDS ?? '200')

/** @returns {Promise<{ status: number | null, out: string }>} */
function simulate(...args) {
  const child = spawn(process.execPath, [join(root, 'scripts', 'sim.mjs'), '--kind', 'cluster', ...args], {
    env: { ...process.env, ODRADEK_DIST: dist },
  })
  let out = ''
  child.stdout.on('data', (bytes) => (out += bytes))
  child.stderr.on('data', (bytes) => (out += bytes))
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, out })))
}

test(`${seeds} clusters come through the faults of their seeds: nothing acknowledged is lost, and all become well again`, async (t) => {
  const { status, out } = await simulate('--seeds', String(seeds))
  t.diagnostic(out.trimEnd().split('\n').at(-1) ?? '')
  assert.equal(status, 0, out)
})

test('a seed is told as a timeline, with what it is about and how to read it', async () => {
  const { status, out } = await simulate('--seed', '1', '--explain')
  assert.equal(status, 0, out)
  for (const part of [
    /^The cluster: \d nodes/m,
    /^The faults: for /m,
    /^How to read it/m,
    / s {2}fault /,
    /all is well after/,
    /seed 1 holds/,
  ])
    assert.match(out, part)
})

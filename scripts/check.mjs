// npm run check: types (by compiling), type-aware lint, form, and the rules of the house that no linter knows (tidy.mjs).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'

if (!process.argv.includes('--prepared')) prepare()

const bin = (name) => join(root, 'node_modules', '.bin', name)
const steps = [
  { what: 'lint', command: bin('oxlint'), args: ['--type-aware', '--deny-warnings', 'src', 'scripts', 'test', 'bench', 'examples'] },
  { what: 'types of the examples', command: bin('tsc'), args: ['-p', 'examples/typescript', '--noEmit'] },
  {
    what: 'form',
    command: bin('prettier'),
    args: [
      '--check',
      '--cache',
      '--cache-location',
      '.build/form',
      '--log-level',
      'warn',
      'src/**/*.ts',
      'examples/typescript/*.ts',
      'scripts/**/*.mjs',
      'test/**/*.mjs',
      'bench/**/*.mjs',
    ],
  },
  { what: 'reference pages', command: process.execPath, args: [join(root, 'scripts', 'reference.mjs'), '--check'] },
  { what: 'house rules', command: process.execPath, args: [join(root, 'scripts', 'tidy.mjs')] },
]
let failed = 0
for (const { what, command, args } of steps) {
  const started = Date.now()
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  const ok = status === 0
  if (!ok) failed += 1
  process.stdout.write(
    `${ok ? 'ok  ' : 'FAIL'} ${what} ${((Date.now() - started) / 1000).toFixed(1)} s${error === undefined ? '' : ` (${error.message})`}\n`,
  )
}
process.exit(failed === 0 ? 0 : 1)

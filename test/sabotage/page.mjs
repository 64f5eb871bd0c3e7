// docs/internals/sabotage.md: what was built in wrongly on purpose, and who found it.

const head = `# Sabotage

What went wrong in systems like this one, and what its rules exclude, is built into a copy of the product, one mistake at a time, and hunted until it is found.
A simulation that finds nothing in the product is worth as much as what it finds here. Nothing of it is in the package: a mutant is an edit of a source file,
made while the simulations are bundled with it (\`test/sabotage\`). This page is written by \`npm run sabotage\`.

- *Found by*: the simulation, and the rule that was broken first. A mutant counts as found only when the same seed holds for the product as it is.
- *Seeds*: tried until then, over all its hunters, of how many at most. *s*: wall time of that on one core.
- *test*: a test file of its own, seeded or not, fails, where no simulation has been able to tell.
- *directed*: the seed draws less, because what shows the mistake is named: options, or a whole plan of faults.
`

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const budgetOf = ({ hunters }) => hunters.reduce((sum, { seeds = 0 }) => sum + seeds, 0)

function rowOf(mutant, { found, wallMs }) {
  const hunter = mutant.hunters.find(({ simulation, overrides }) => simulation === found.simulation && isSame(overrides, found.overrides))
  const directed = Object.keys(hunter?.overrides ?? {}).length === 0 ? '' : ', directed'
  const by = `${found.simulation}${directed}: ${found.rule}`
  const seeds = found.tried === 0 ? 'test' : `${found.tried} of ${budgetOf(mutant)}`
  return `| ${cell(mutant.name)} | ${cell(mutant.history)} | ${cell(by)} | ${seeds} | ${(wallMs / 1000).toFixed(1)} |\n`
}

function isSame(one, other) {
  return JSON.stringify(one ?? {}) === JSON.stringify(other ?? {})
}

function notFound(mutants, results) {
  if (mutants.length === 0) return 'All are found.\n'
  const rows = mutants.map((mutant) => {
    const { outcome, why } = results.get(mutant.name)
    return `| ${cell(mutant.name)} | ${cell(mutant.history)} | ${outcome}: ${cell(why)} | ${budgetOf(mutant)} |\n`
  })
  return `| not found | history | why | budget |\n|---|---|---|---|\n${rows.join('')}`
}

/** @returns the page: survivors first */
export function pageOf(mutants, results, notApplicable) {
  const isFound = ({ name }) => results.get(name).outcome === 'found'
  const lost = mutants.filter((mutant) => !isFound(mutant))
  const sections = [...new Set(mutants.map(({ subject }) => subject))].map((subject) => {
    const rows = mutants
      .filter((mutant) => mutant.subject === subject && isFound(mutant))
      .map((mutant) => rowOf(mutant, results.get(mutant.name)))
    return `\n## ${subject}\n\n| mutant | history | found by | seeds | s |\n|---|---|---|--:|--:|\n${rows.join('')}`
  })
  const missing = notApplicable.map(({ name, why }) => `| ${cell(name)} | ${cell(why)} |\n`)
  const count = `\n${mutants.length - lost.length} of ${mutants.length} mutants are found.\n\n`
  return `${head}${count}## Not found\n\n${notFound(lost, results)}${sections.join('')}\n## Not there\n\n| what | why |\n|---|---|\n${missing.join('')}`
}

// A chart of ratios as SVG, readable on light and dark grounds: a bar for each case, 1 in the middle, on a logarithmic scale, and a mark where the
// goal is. To the right we are better, whether more is better or less.

/** @typedef {{ title: string, better: number, goal: number | null }} Line `better`: how many times better we are, below 1 worse; the goal in the same measure */

const width = 860
const labelWidth = 330
const figureWidth = 80
const rowHeight = 26
const top = 50
const bottom = 30
const decades = { least: 0.1, most: 100 }
const marks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]

const style = `
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .small { font-size: 11px; fill: #57606a }
    .head { font-size: 15px; font-weight: 600 }
    .grid { stroke: #d0d7de; stroke-width: 1 }
    .one { stroke: #57606a; stroke-width: 1.5 }
    .won { fill: #1a7f64 }
    .lost { fill: #bc4c00 }
    .goal { stroke: #24292f; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .small { fill: #9198a1 }
      .grid { stroke: #3d444d }
      .one { stroke: #9198a1 }
      .won { fill: #3fb68b }
      .lost { fill: #e3893f }
      .goal { stroke: #e6edf3 }
    }`

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => escapes[/** @type {keyof typeof escapes} */ (sign)])

/** Where a ratio stands. @param {number} ratio */
function x(ratio) {
  const within = Math.min(decades.most, Math.max(decades.least, ratio))
  const share = Math.log(within / decades.least) / Math.log(decades.most / decades.least)
  return Math.round((labelWidth + share * (width - labelWidth - figureWidth)) * 10) / 10
}

/** Two digits that count. @param {number} ratio */
export const timesText = (ratio) => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toPrecision(2)} ×`

/** @param {Line} line @param {number} index */
function row({ title, better, goal }, index) {
  const y = top + index * rowHeight
  const from = Math.min(x(1), x(better))
  const length = Math.max(1, Math.abs(x(better) - x(1)))
  const middle = y + rowHeight / 2 + 4
  const bar = `<rect class="${better >= 1 ? 'won' : 'lost'}" x="${from}" y="${y + 5}" width="${length.toFixed(1)}" height="${rowHeight - 10}" rx="2"/>`
  const mark = goal === null ? '' : `<line class="goal" x1="${x(goal)}" y1="${y + 2}" x2="${x(goal)}" y2="${y + rowHeight - 2}"/>`
  return [
    `<text x="${labelWidth - 12}" y="${middle}" text-anchor="end">${escaped(title)}</text>`,
    bar,
    mark,
    `<text x="${width - figureWidth + 12}" y="${middle}">${timesText(better)}</text>`,
  ]
}

/** @param {readonly Line[]} lines @param {string} title */
export function chart(lines, title) {
  const height = top + lines.length * rowHeight + bottom
  const end = height - bottom
  const grid = marks.flatMap((mark) => [
    `<line class="${mark === 1 ? 'one' : 'grid'}" x1="${x(mark)}" y1="${top - 6}" x2="${x(mark)}" y2="${end}"/>`,
    `<text class="small" x="${x(mark)}" y="${end + 16}" text-anchor="middle">${mark}</text>`,
  ])
  const parts = [
    `<style>${style}\n  </style>`,
    `<title>${escaped(title)}</title>`,
    `<text class="head" x="12" y="24">${escaped(title)}</text>`,
    ...grid,
    ...lines.flatMap(row).filter((part) => part !== ''),
  ]
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`
  return `${open}\n  ${parts.join('\n  ')}\n</svg>\n`
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Story } from './story.ts'

function tell(painted: boolean, run: (story: Story) => void): string {
  let text = ''
  run(
    new Story((line) => {
      text += line
    }, painted),
  )
  return text
}

const fields = {}

test('events worth seeing become one line each, others none', () => {
  const text = tell(false, (story) => {
    story.event(2, { level: 'info', event: 'leaders-changed', message: 'a-0: leader 1 → 2 (epoch 1), 90 ms without a leader', fields })
    story.event(1, { level: 'info', event: 'quorum-leader', message: 'epoch 1: node 2 leads', fields })
  })
  assert.match(text, /^\d\d:\d\d:\d\d\.\d{3} {2}node 2 {2}a-0: leader 1 → 2 \(epoch 1\), 90 ms without a leader\n$/)
})

test('warnings and errors are always worth seeing', () => {
  const text = tell(false, (story) => {
    story.event(1, { level: 'warn', event: 'any', message: 'one', fields })
    story.event(1, { level: 'error', event: 'other', message: 'two', fields })
  })
  assert.equal(text.split('\n').length, 3)
})

test('without a terminal there is no paint, and the words are the same with it', () => {
  const run = (story: Story): void => {
    story.line(story.paint('bold', 'Ready'))
    story.line('plain')
  }
  assert.equal(tell(false, run), 'Ready\nplain\n')
  const painted = tell(true, run)
  assert.equal(stripVTControlCharacters(painted), 'Ready\nplain\n')
})

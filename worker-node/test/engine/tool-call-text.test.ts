import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ToolCallText } from '../../src/engine/tool-call-text.ts'

/** All that comes of a text that arrives in these pieces. */
function read(pieces: readonly string[], inside = false) {
  let ids = 0
  const reader = new ToolCallText(() => `id${ids++}`, inside)
  const text = pieces.map((piece) => reader.push(piece)).join('') + reader.flush()
  const calls: { id?: string; name?: string; arguments: string }[] = []
  for (const { index, id, function: called } of reader.take()) {
    const call = (calls[index] ??= { arguments: '' })
    if (id) call.id = id
    if (called?.name) call.name = called.name
    call.arguments += called?.arguments ?? ''
  }
  return { text, calls, closed: reader.closed }
}
const call = (name: string, written: string, space = '\n'): string =>
  `<tool_call>${space}{"name": "${name}", "arguments": ${written}}${space}</tool_call>`

describe('a call', () => {
  const tricky = '{"a": "}\\"</tool_call>{", "b": [{}, [1]], "c": {"d": "\\\\"}}'
  test.each([
    ['alone', call('look', '{}'), '', ['{}']],
    ['with braces and marks in its texts', call('look', tricky), '', [tricky]],
    ['without white space', call('look', '{"a":1}', ''), '', ['{"a":1}']],
    ['after words', `Let me look.\n${call('look', '{}')}`, 'Let me look.', ['{}']],
    ['before words', `${call('look', '{}')}\nThere.`, 'There.', ['{}']],
    ['after another', `${call('look', '{"n":1}')}\n${call('look', '{"n":2}')}`, '', ['{"n":1}', '{"n":2}']],
    ['that nobody closed', '<tool_call>{"name":"look","arguments":{"a":1}}', '', ['{"a":1}']],
    ['that was cut', '<tool_call>{"name":"look","arguments":{"a":', '', ['{"a":']],
  ])('%s', (_what, text, shown, written) => {
    const whole = read([text])
    expect(whole.text).toBe(shown)
    expect(whole.calls).toEqual(written.map((one, index) => ({ id: `id${index}`, name: 'look', arguments: one })))
    // However it is cut: only white space around a call may be shown or not.
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 30 }), (cuts) => {
        const ends = [0, ...cuts.sort((a, b) => a - b), text.length]
        const pieces = ends.slice(1).map((end, i) => text.slice(ends[i], end))
        const cut = read(pieces)
        expect({ ...cut, text: cut.text.trim() }).toEqual({ ...whole, text: shown.trim() })
      }),
      { numRuns: 60 },
    )
  })

  test('whose mark the prompt wrote', () => {
    expect(read(['{"name":"look",', '"arguments":{}}'], true)).toEqual({
      text: '',
      calls: [{ id: 'id0', name: 'look', arguments: '{}' }],
      closed: true,
    })
  })
})

test.each([
  'No call: <tool and <tool_cal',
  '<tool_call>{"name": 7}</tool_call> it said',
  '<tool_call>{"name": "a b", "arguments": {}}</tool_call>',
  '<tool_call>{"name": "look", "arguments": "text"}</tool_call>',
  `<tool_call>${'x'.repeat(2000)}`,
  'a < b <tool_call',
])('what is no call stays text: %s', (text) => {
  expect(read([text])).toMatchObject({ text, calls: [] })
  expect(read(text.split(''))).toMatchObject({ text, calls: [] })
})

test('says which call a grammar can lead: from its mark to the end of its arguments', () => {
  const reader = new ToolCallText(() => 'id', false)
  const steps = [
    'Hm. <tool_call>',
    '\n',
    '{"name":"a","arguments":',
    '{',
    '}',
    '}',
    '<tool_call>{',
    '"name":"b","arguments":{',
  ]
  const seen = steps.map((step) => {
    reader.push(step)
    return reader.writing
  })
  // The last one began in the same piece as its mark: a grammar would begin in the middle of it.
  expect(seen).toEqual([0, 0, 0, 0, undefined, undefined, undefined, undefined])
  const inside = new ToolCallText(() => 'id', true)
  expect(inside.writing).toBe(0)
  inside.push('{"name":"a","arguments":{}}</tool_call>')
  inside.push('<tool_call>')
  expect(inside.writing).toBe(1)
})

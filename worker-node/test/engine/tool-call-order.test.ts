import { limits } from '@cocoon/protocol'
import { expect, test } from 'vitest'
import type { ToolCallDelta } from '../../src/engine/engine.ts'
import { newCallId, ToolCallOrder } from '../../src/engine/tool-call-order.ts'

function number(...pieces: ToolCallDelta[]): ToolCallDelta[] {
  let ids = 0
  const order = new ToolCallOrder(() => `made${ids++}`)
  return pieces.map((piece) => order.number(piece))
}
const begins = (index: number, id: string | undefined, written = ''): ToolCallDelta => ({
  index,
  ...(id !== undefined && { id }),
  function: { name: 'look', arguments: written },
})

test('calls that an engine numbers well stay as they are', () => {
  const said: ToolCallDelta[] = [begins(0, 'a'), { index: 0, function: { arguments: '{}' } }, begins(1, 'b')]
  expect(number(...said)).toEqual([{ ...said[0], type: 'function' }, said[1], { ...said[2], type: 'function' }])
})

test('calls that all have the index 0 are told apart by their ids', () => {
  expect(number(begins(0, 'a', '{}'), begins(0, 'b', '[]')).map(({ index, id }) => [index, id])).toEqual([
    [0, 'a'],
    [1, 'b'],
  ])
})

test('an id and a name that come with every piece count once', () => {
  expect(number(begins(0, 'a', '{'), begins(0, 'a', '}'))).toEqual([
    { ...begins(0, 'a', '{'), type: 'function' },
    { index: 0, function: { arguments: '}' } },
  ])
})

test('numbers have no gaps, and what has no id gets one', () => {
  expect(number(begins(7, undefined), { index: 7, function: { arguments: '{}' } })).toEqual([
    { ...begins(0, 'made0'), type: 'function' },
    { index: 0, function: { arguments: '{}' } },
  ])
})

test('no more calls than an answer may have, and none without a name', () => {
  const many = Array.from({ length: limits.toolCalls }, (_, index) => begins(index, `${index}`))
  expect(number(...many)).toHaveLength(limits.toolCalls)
  expect(() => number(...many, begins(500, 'x'))).toThrow(/too many/)
  expect(() => number({ index: 0, function: { arguments: '{}' } })).toThrow(/without a name/)
})

test('ids are OpenAI’s kind and never the same', () => {
  expect(newCallId()).toMatch(/^call_[0-9a-f]{24}$/)
  expect(newCallId()).not.toBe(newCallId())
})

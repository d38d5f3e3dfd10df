import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnswerChunk, ChunkDecoder, concat, encodeChunk, limits, type ToolCallPiece, utf8 } from '../src/index.ts'
import { runs } from './property.ts'
import { codeOf } from './refused.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const call: fc.Arbitrary<ToolCallPiece> = fc.record(
  {
    index: fc.nat({ max: limits.toolCalls - 1 }),
    id: text,
    type: fc.constant('function'),
    function: fc.record({ name: text, arguments: text }, { requiredKeys: [], noNullPrototype: true }),
  },
  { requiredKeys: ['index'], noNullPrototype: true },
)
const chunk: fc.Arbitrary<AnswerChunk> = fc.record(
  {
    choices: fc.array(
      fc.record(
        {
          index: fc.nat({ max: 3 }),
          delta: fc.record(
            {
              role: fc.constant('assistant'),
              content: text,
              reasoning: text,
              tool_calls: fc.array(call, { maxLength: 2 }),
            },
            { requiredKeys: [], noNullPrototype: true },
          ),
          finish_reason: fc.constantFrom('stop', 'length', null),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 2 },
    ),
  },
  { noNullPrototype: true },
)

function decodeIn(pieces: readonly Uint8Array<ArrayBuffer>[]) {
  const decoder = new ChunkDecoder()
  return { chunks: pieces.flatMap((piece) => decoder.push(piece)), empty: decoder.empty }
}

describe('chunks of an answer', () => {
  it('are the same however frames cut the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 6 }),
        fc.array(fc.nat({ max: 600 }), { maxLength: 20 }),
        (chunks, cuts) => {
          const bytes = concat(...chunks.map(encodeChunk))
          const ends = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
          const pieces = ends.slice(1).map((end, i) => bytes.slice(ends[i], end))
          expect(decodeIn(pieces)).toEqual({ chunks, empty: true })
          expect(decodeIn([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual({ chunks, empty: true })
        },
      ),
      runs(60),
    )
  })

  it('that were cut are noticed', () => {
    const bytes = encodeChunk({ choices: [] })
    for (let end = 1; end < bytes.length; end++)
      expect(decodeIn([bytes.slice(0, end)])).toEqual({ chunks: [], empty: false })
    expect(new ChunkDecoder().empty).toBe(true)
  })

  it('do not change with the buffer they came in', () => {
    const decoder = new ChunkDecoder()
    const buffer = utf8('{"choices"')
    decoder.push(buffer)
    buffer.fill(0)
    expect(decoder.push(utf8(':[]}\n'))).toEqual([{ choices: [] }])
  })

  it.each([
    ['no JSON', 'choices'],
    ['nothing', ''],
    ['no object', 'null'],
    ['an error of an engine', '{"error":{"message":"out of memory"}}'],
    ['choices that are no list', '{"choices":{}}'],
    ['a choice that is none', '{"choices":[null]}'],
    ['a choice without a delta', '{"choices":[{"index":0}]}'],
    ['a choice without an index', '{"choices":[{"delta":{}}]}'],
    ['an index that is no number', '{"choices":[{"index":"0","delta":{}}]}'],
    ['a delta that is none', '{"choices":[{"index":0,"delta":null}]}'],
    ['content that is no text', '{"choices":[{"index":0,"delta":{"content":1}}]}'],
    ['reasoning that is no text', '{"choices":[{"index":0,"delta":{"reasoning":{}}}]}'],
    ['a role that is no text', '{"choices":[{"index":0,"delta":{"role":7}}]}'],
    ['tool calls that are no list', '{"choices":[{"index":0,"delta":{"tool_calls":{}}}]}'],
    ['an end that is no text', '{"choices":[{"index":0,"delta":{},"finish_reason":{}}]}'],
  ])('refuse %s', async (_, line) => {
    expect(await codeOf(() => new ChunkDecoder().push(utf8(`${line}\n`)))).toBe('forged-frame')
  })

  it('refuse ill-formed UTF-8, deep nesting and a line without end', async () => {
    expect(await codeOf(() => new ChunkDecoder().push(Uint8Array.of(0x22, 0xff, 0x22, 10)))).toBe('forged-frame')
    expect(await codeOf(() => new ChunkDecoder().push(utf8(`${'['.repeat(500_000)}\n`)))).toBe('forged-frame')
    const decoder = new ChunkDecoder()
    decoder.push(new Uint8Array(limits.answer).fill(32))
    expect(await codeOf(() => decoder.push(Uint8Array.of(32)))).toBe('forged-frame')
  })

  it('take null for absent, as engines write it, and let unknown fields pass', () => {
    const line =
      '{"choices":[{"index":0,"delta":{"role":null,"content":null,"reasoning":null},"finish_reason":null,"logprobs":null}]}'
    expect(decodeIn([utf8(`${line}\n`)]).chunks).toHaveLength(1)
  })
})

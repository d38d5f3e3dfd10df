import { encodeChunk, type Final, type ToolCallPiece } from '@cocoon/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ChatMessage, KeptAnswer, ResponseFormat, Tool } from '../src/index.ts'
import { AnsweringNode, DONE, MODEL } from './answering-node.ts'
import { Asker } from './asker.ts'
import type { JobLine } from './job-line.ts'
import { TestBroker } from './test-broker.ts'
import { until } from './until.ts'

let broker: TestBroker
let asker: Asker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start()])
  asker = await Asker.at(broker)
})
afterEach(() => broker.stop())

const CALLED: Final = { ...DONE, finishReason: 'tool_calls' }
const sayCalls = async (line: JobLine, ...pieces: ToolCallPiece[]): Promise<void> =>
  line.push(await line.opened.sealer.seal(encodeChunk({ choices: [{ index: 0, delta: { tool_calls: pieces } }] })))
const look = (index: number, written: string): ToolCallPiece[] => [
  { index, id: `call_${index}`, type: 'function', function: { name: 'look', arguments: '' } },
  ...written.split('').map((character): ToolCallPiece => ({ index, function: { arguments: character } })),
]
const whole = (index: number, written: string) => ({
  id: `call_${index}`,
  type: 'function',
  function: { name: 'look', arguments: written },
})

test('tools, their results and the shape of the answer are sealed in OpenAI’s names', async () => {
  const tools: Tool[] = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' }, strict: true } }]
  const responseFormat: ResponseFormat = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'null' } } }
  const messages: ChatMessage[] = [
    { role: 'user', content: [{ type: 'text', text: 'Look' }] },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c', content: 'a cat' },
  ]
  broker.answers.push((line) => line.finish())
  await asker.ask({ messages, tools, toolChoice: 'required', responseFormat, stop: ['.'], topP: 0.5 })
  expect(JSON.parse(broker.jobs[0]?.opened.content ?? '')).toEqual({
    model: MODEL,
    messages,
    tools,
    tool_choice: 'required',
    response_format: responseFormat,
    stop: ['.'],
    top_p: 0.5,
    stream: true,
  })
})

test('calls stream in pieces and stand whole in the end, in order, names once', async () => {
  broker.answers.push(async (line) => {
    await line.say('Let me look.')
    await sayCalls(line, ...look(1, '{"b":1}'))
    // Engines repeat the name, and write null for what is absent.
    const again = { index: 0, id: null, function: { name: 'look', arguments: '}' } } as unknown as ToolCallPiece
    await sayCalls(line, ...look(0, '{'), again)
    await line.finish(CALLED)
  })
  const heard = await asker.ask()
  expect(heard.text).toBe('Let me look.')
  expect(heard.done).toMatchObject({ finishReason: 'tool_calls', toolCalls: [whole(0, '{}'), whole(1, '{"b":1}')] })
  const pieces = heard.events.flatMap((event) => (event.type === 'delta' ? (event.toolCalls ?? []) : []))
  expect(pieces.filter(({ index }) => index === 1)).toEqual(look(1, '{"b":1}'))
})

test('an answer without calls says nothing of them', async () => {
  broker.answers.push(async (line) => {
    await line.say('No.')
    await line.finish()
  })
  const heard = await asker.ask()
  for (const event of heard.events) expect(event).not.toHaveProperty('toolCalls')
})

test('a call that was half there before a reload is whole after it', async () => {
  const kept: KeptAnswer[] = []
  broker.answers.push(async (line) => {
    await sayCalls(line, ...look(0, '{"at":'))
    await line.heard('resume')
    await sayCalls(line, ...look(0, '3}').slice(1))
    await line.finish(CALLED)
  })
  const keep = async (record: KeptAnswer): Promise<void> => void kept.push(record)
  for await (const event of asker.client.ask({ model: MODEL, messages: [], keep })) if (event.type === 'delta') break
  await until(() => kept.length === 2, 'the record')
  const stored = structuredClone(kept[1])
  const other = await Asker.at(broker, { signIn: asker.signIn })
  other.ahead = 3_000
  const heard = await other.resume(stored)
  expect(heard.done).toMatchObject({ toolCalls: [whole(0, '{"at":3}')] })
})

test('a call without a name is an error at the end of a whole answer, and left out where it was cut', async () => {
  const nameless: ToolCallPiece = { index: 3, function: { arguments: '{' } }
  broker.answers.push(async (line) => {
    await sayCalls(line, nameless)
    await line.finish(CALLED)
  })
  expect((await asker.ask()).code).toBe('engine-failed')
  broker.answers.push(async (line) => {
    await sayCalls(line, ...look(0, '{'), nameless)
    await line.finish({ ...DONE, finishReason: 'length' })
  })
  expect((await asker.ask()).done?.toolCalls).toEqual([whole(0, '{')])
})

test.each([
  [{ index: 128 }],
  [{ index: -1 }],
  [{ index: 0.5 }],
  [{ id: 'x' }],
  [{ index: 0, id: 7 }],
  [{ index: 0, function: { name: 7 } }],
  [{ index: 0, function: 'look' }],
  [null],
])('what is no call is no chunk: %j', async (piece) => {
  broker.answers.push((line) => sayCalls(line, piece as unknown as ToolCallPiece))
  expect((await asker.ask()).code).toBe('forged-frame')
})

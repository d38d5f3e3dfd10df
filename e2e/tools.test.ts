import { createClient, keySignIn, type AskEvent, type AskOptions, type Client } from '@cocoon/client'
import { startSystem, type System } from '@cocoon/localnet'
import { createSigner } from '@cocoon/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'

// From the device's core through the broker to llama.cpp and back; what each part does by itself is tested in its room.
let system: System
let client: Client
beforeAll(async () => {
  system = await startSystem({ build: false })
  client = createClient({ origin: system.origin, network: 'localnet', signIn: keySignIn(await createSigner()) })
})
afterAll(async () => {
  client.close()
  await system.stop()
})

async function ask(options: Omit<AskOptions, 'model' | 'messages'>, content = 'Hello') {
  const events: AskEvent[] = []
  const messages = [{ role: 'user' as const, content }]
  for await (const event of client.ask({ model: 'cocoon-demo', messages, ...options })) events.push(event)
  const text = events.map((event) => (event.type === 'delta' ? event.text : '')).join('')
  return { text, done: events.find((event) => event.type === 'done') }
}

it('an answer obeys the schema that was sealed with the question', async () => {
  const schema = {
    type: 'object',
    properties: {
      colour: { enum: ['red', 'green'] },
      counts: { type: 'array', items: { type: 'boolean' }, maxItems: 2 },
    },
    required: ['colour', 'counts'],
    additionalProperties: false,
  }
  const { text, done } = await ask({ responseFormat: { type: 'json_schema', json_schema: { name: 'paint', schema } } })
  const value = JSON.parse(text) as { colour: string; counts: boolean[] }
  expect(Object.keys(value)).toEqual(['colour', 'counts'])
  expect(['red', 'green']).toContain(value.colour)
  expect(done).toMatchObject({ status: 'done', finishReason: 'stop' })
})

it('a tool is called, by name and with arguments that obey its schema', async () => {
  const parameters = { type: 'object', properties: { city: { enum: ['Lisbon', 'Oslo'] } }, required: ['city'] }
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters, strict: true } }]
  const { text, done } = await ask({ tools, toolChoice: 'required' }, 'Weather?')
  expect(text).toBe('')
  expect(done).toMatchObject({ finishReason: 'tool_calls', toolCalls: [{ function: { name: 'weather' } }] })
  const given = JSON.parse(done?.toolCalls?.[0]?.function.arguments ?? '') as { city: string }
  expect(['Lisbon', 'Oslo']).toContain(given.city)
})

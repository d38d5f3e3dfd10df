import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultChatLimits, parseChatRequest } from '../../src/engine/chat-request.ts'
import { EngineError } from '../../src/engine/engine.ts'

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const parse = (value: unknown, limits: Partial<typeof defaultChatLimits> = {}) =>
  parseChatRequest(encode(value), { ...defaultChatLimits, ...limits })
const refusal = (value: unknown, limits: Partial<typeof defaultChatLimits> = {}): string => {
  try {
    parse(value, limits)
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError)
    expect((error as EngineError).code).toBe('bad-request')
    return (error as EngineError).message
  }
  throw new Error('not refused')
}

const secret = 'xylophone-4711'
const user = { role: 'user', content: 'Hello' }
const body = { model: 'm', messages: [user] }
const png = 'data:image/png;base64,iVBORw0KGgo='

const full = {
  model: 'm',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'developer', content: [{ type: 'text', text: 'Really.' }] },
    {
      role: 'user',
      name: 'ann',
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: png, detail: 'low' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
    { role: 'assistant', content: 'A cat.' },
    user,
  ],
  max_tokens: 100,
  temperature: 0.5,
  top_p: 0.9,
  stop: ['a', 'b'],
  seed: -5,
  frequency_penalty: -1,
  presence_penalty: 1,
  tools: [
    {
      type: 'function',
      function: { name: 'look', description: 'Looks.', parameters: { type: 'object', constructor: {} }, strict: true },
    },
  ],
  tool_choice: { type: 'function', function: { name: 'look' } },
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } },
}

describe('keeps', () => {
  test('every field it knows, unchanged', () => {
    expect(parse(full)).toEqual(full)
    expect(parse(body)).toEqual(body)
  })

  test('one spelling of the answer limit and of stop', () => {
    expect(parse({ ...body, max_completion_tokens: 7 })).toEqual({ ...body, max_tokens: 7 })
    expect(parse({ ...body, max_tokens: 9, max_completion_tokens: 7 })).toEqual({ ...body, max_tokens: 7 })
    expect(parse({ ...body, stop: '\n' })).toEqual({ ...body, stop: ['\n'] })
  })

  test('nothing where null or an empty list stands', () => {
    const nulls = {
      temperature: null,
      top_p: null,
      stop: null,
      seed: null,
      max_tokens: null,
      tools: [],
      n: 1,
      logprobs: false,
      stream: true,
    }
    expect(parse({ ...body, ...nulls })).toEqual(body)
  })
})

test.each([
  'chat_template',
  'chat_template_kwargs',
  'priority',
  'request_id',
  'kv_transfer_params',
  'custom_logit_processor',
  'lora_path',
  'input_ids',
  'bootstrap_host',
  'return_hidden_states',
  'cache_salt',
  'extra_body',
  'logit_bias',
  'metadata',
  'stream_options',
  '__proto__',
])('drops %s, wherever it stands', (field) => {
  const extra = JSON.parse(`{${JSON.stringify(field)}:{"x":1}}`) as object
  const parsed = parse({
    ...body,
    ...extra,
    messages: [{ ...user, ...extra, content: [{ type: 'text', text: 'Hello', ...extra }] }],
    tools: [{ type: 'function', ...extra, function: { name: 'f', ...extra } }],
    response_format: { type: 'json_object', ...extra },
  })
  expect(JSON.stringify(parsed)).not.toContain(field)
})

describe('refuses, naming the place and not the content', () => {
  test.each([
    ['messages[2].role', { ...body, messages: [user, user, { role: secret, content: secret }] }],
    ['messages[0].content', { ...body, messages: [{ role: 'user' }] }],
    ['messages[0].content', { ...body, messages: [{ role: 'user', content: { [secret]: secret } }] }],
    [
      'messages[0].content[1].type',
      { ...body, messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, { type: secret }] }] },
    ],
    ['messages[0].content[0].text', { ...body, messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] }],
    [
      'messages[0].content[0].type',
      { ...body, messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: png } }] }] },
    ],
    ['messages[0].tool_call_id', { ...body, messages: [{ role: 'tool', content: secret }] }],
    ['messages', { ...body, messages: [] }],
    ['messages', { ...body, messages: secret }],
    ['messages', { model: 'm' }],
    ['model', { messages: [user] }],
    ['model', { ...body, model: 7 }],
    ['max_tokens', { ...body, max_tokens: -1 }],
    ['max_tokens', { ...body, max_tokens: 1.5 }],
    ['max_tokens', { ...body, max_tokens: 1e300 }],
    ['max_completion_tokens', { ...body, max_completion_tokens: secret }],
    ['temperature', { ...body, temperature: 3 }],
    ['top_p', { ...body, top_p: -0.1 }],
    ['seed', { ...body, seed: 0.5 }],
    ['n', { ...body, n: 2 }],
    ['logprobs', { ...body, logprobs: true }],
    ['stop', { ...body, stop: ['a', 'b', 'c', 'd', secret] }],
    ['stop[1]', { ...body, stop: ['a', ''] }],
    ['stop[0]', { ...body, stop: [secret.repeat(100)] }],
    ['stop', { ...body, stop: 5 }],
    ['tools[0].function.name', { ...body, tools: [{ type: 'function', function: { name: `${secret} ${secret}` } }] }],
    [
      'tools[0].function.parameters',
      { ...body, tools: [{ type: 'function', function: { name: 'f', parameters: [secret] } }] },
    ],
    [
      'tools[0].function.parameters',
      { ...body, tools: [{ type: 'function', function: { name: 'f', parameters: { a: secret.repeat(9999) } } }] },
    ],
    ['tool_choice', { ...body, tool_choice: secret }],
    ['tool_choice.function', { ...body, tool_choice: { type: 'function' } }],
    ['response_format.type', { ...body, response_format: { type: secret } }],
    [
      'response_format.json_schema.schema',
      { ...body, response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
    ],
    ['model', [secret]],
    ['body', secret],
    ['body', null],
  ])('%s', (place, value) => {
    const message = refusal(value)
    expect(message).toMatch(new RegExp(`^${place.replaceAll(/[[\].]/g, String.raw`\$&`)}: `))
    expect(message).not.toContain(secret)
  })

  test.each([
    'https://example.org/cat.png',
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'data:text/html;base64,AAAA',
    'data:image/svg+xml;base64,AAAA',
    'data:image/png;base64,not base64!',
    'data:image/png,AAAA',
  ])('an image at %s', (url) => {
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
    expect(refusal({ ...body, messages })).toMatch(/^messages\[0\]\.content\[0\]\.image_url\.url: /)
  })
})

describe('bounds', () => {
  const image = { type: 'image_url', image_url: { url: png } }
  const nested = (depth: number): unknown => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth))

  test.each([
    ['bytes', { bodyBytes: 40 }, { ...body, x: 'y'.repeat(40) }],
    ['messages', { messages: 2 }, { ...body, messages: [user, user, user] }],
    ['parts', { parts: 1 }, { ...body, messages: [{ role: 'user', content: [image, image] }] }],
    [
      'images of all messages',
      { images: 1 },
      {
        ...body,
        messages: [
          { role: 'user', content: [image] },
          { role: 'user', content: [image] },
        ],
      },
    ],
    ['image bytes', { imageBytes: 7 }, { ...body, messages: [{ role: 'user', content: [image] }] }],
    ['tools', { tools: 1 }, { ...full, tools: [...full.tools, ...full.tools] }],
    [
      'schema',
      { schemaBytes: 16 },
      {
        ...body,
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { title: 'twelve chars' } } },
      },
    ],
    ['depth', { depth: 8 }, { ...body, ignored: nested(9) }],
    ['max_tokens', { maxTokens: 10 }, { ...body, max_tokens: 11 }],
  ])('%s', (_name, limits, value) => {
    expect(() => parse(value)).not.toThrow()
    refusal(value, limits)
  })

  test('depth, before it costs anything', () => {
    const deep = new TextEncoder().encode('['.repeat(1_000_000))
    expect(() => parseChatRequest(deep)).toThrow('body: nested deeper than 32')
    // Brackets inside strings are text.
    expect(parse({ ...body, messages: [{ role: 'user', content: '[[[[\\"[[[['.repeat(20) }] }).messages).toHaveLength(1)
  })

  test('bytes that are no text, or no JSON', () => {
    for (const bytes of [[0x22, 0xff, 0x22], [], [0x7b], [0xef, 0xbb, 0xbf, 0x7b, 0x7d]]) {
      expect(() => parseChatRequest(Uint8Array.from(bytes))).toThrow(EngineError)
    }
  })
})

describe('whatever comes', () => {
  const outcome = (bytes: Uint8Array): unknown => {
    try {
      return parseChatRequest(bytes)
    } catch (error) {
      return error
    }
  }

  test('bytes give an EngineError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(outcome(bytes)).toBeInstanceOf(EngineError)
      }),
    )
  })

  test('JSON that is no request gives an EngineError', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(outcome(new TextEncoder().encode(json))).toBeInstanceOf(EngineError)
      }),
    )
  })

  const anything = fc.jsonValue()
  const mostly = (usual: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: anything })
  const messageLike = fc.record({ role: fc.constantFrom('user', 'assistant', 'system'), content: mostly(fc.string()) })
  const near = fc.record(
    {
      model: mostly(fc.string()),
      messages: mostly(fc.array(mostly(messageLike), { maxLength: 3 })),
      stop: mostly(fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 4 }))),
      max_tokens: mostly(fc.nat(100_000)),
      temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
      tool_choice: mostly(fc.constantFrom('auto', 'none')),
      response_format: mostly(fc.record({ type: fc.constantFrom('text', 'json_object', 'json_schema') })),
      tools: mostly(fc.constant([])),
      other: anything,
    },
    { requiredKeys: ['model', 'messages'] },
  )

  test('what looks like a request gives one of its fields only, or an EngineError; and parsing again changes nothing', () => {
    const known = new Set(Object.keys(full))
    let parsed = 0
    fc.assert(
      fc.property(near, (value) => {
        try {
          const request = parse(value)
          parsed++
          expect(Object.keys(request).every((key) => known.has(key))).toBe(true)
          expect(parse(request)).toEqual(request)
        } catch (error) {
          expect(error).toBeInstanceOf(EngineError)
        }
      }),
      { numRuns: 1000 },
    )
    expect(parsed).toBeGreaterThan(50)
  })
})

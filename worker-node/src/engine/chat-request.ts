import * as v from 'valibot'
import { EngineError } from './engine.ts'
import { parseBoundedJson } from './json-bounds.ts'

/** Bounds of one request. They keep one sender from hurting the node; what a model can take is checked later. */
export interface ChatLimits {
  /** Bytes of the JSON text, images included. */
  readonly bodyBytes: number
  /** Nested JSON objects and arrays. */
  readonly depth: number
  readonly messages: number
  /** Parts of one message. */
  readonly parts: number
  /** Images of the whole request. */
  readonly images: number
  /** Bytes of one image, decoded. */
  readonly imageBytes: number
  readonly tools: number
  /** Characters of one JSON schema: a tool's parameters, or an answer's shape. */
  readonly schemaBytes: number
  /** Characters of one stop string; there are four at most. */
  readonly stopLength: number
  /** Tokens one answer may ask for. */
  readonly maxTokens: number
}

export const defaultChatLimits: ChatLimits = {
  bodyBytes: 16 * 1024 * 1024,
  depth: 32,
  messages: 1024,
  parts: 64,
  images: 16,
  imageBytes: 8 * 1024 * 1024,
  tools: 128,
  schemaBytes: 32 * 1024,
  stopLength: 128,
  maxTokens: 1_048_576,
}

const imageTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif']

/**
 * Every object here keeps its listed fields only: an engine's private switches (`chat_template`, `cache_salt`, `priority`,
 * `lora_path`, `input_ids`, ...) never get through, at any depth but inside a JSON schema, which is data.
 */
function chatRequestSchema(limits: ChatLimits) {
  const text = (max = limits.bodyBytes) => v.pipe(v.string(), v.maxLength(max, `at most ${max} characters`))
  const label = text(256)
  const functionName = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'at most 64 letters, digits, "_", "." or "-"'))
  const listOf = <Item extends v.GenericSchema>(item: Item, max: number) =>
    v.pipe(v.array(v.unknown()), v.maxLength(max, `at most ${max} items`), v.array(item))
  const numberFrom = (min: number, max: number) =>
    v.pipe(v.number(), v.minValue(min, `at least ${min}`), v.maxValue(max, `at most ${max}`))
  const integerFrom = (min: number, max: number) => v.pipe(numberFrom(min, max), v.safeInteger('a whole number'))
  const jsonSchema = v.pipe(
    v.custom<Readonly<Record<string, unknown>>>(isPlainObject, 'a JSON schema object'),
    v.check(
      (schema) => JSON.stringify(schema).length <= limits.schemaBytes,
      `at most ${limits.schemaBytes} characters`,
    ),
  )

  // Never an http(s) address: the engine would fetch it, from inside the provider's network, and tell its host who asks.
  const dataUrl = v.pipe(
    v.string(),
    v.check((url) => imageSize(url) !== undefined, `a base64 data: URL of ${imageTypes.join(', ')}`),
    v.check((url) => (imageSize(url) ?? 0) <= limits.imageBytes, `an image of at most ${limits.imageBytes} bytes`),
  )
  const textPart = v.object({ type: v.literal('text'), text: text() })
  const imagePart = v.object({
    type: v.literal('image_url'),
    image_url: v.object({ url: dataUrl, detail: v.optional(v.picklist(['auto', 'low', 'high'])) }),
  })
  // Lazy instead of a union: an issue then points at the part that is wrong, not at the whole content.
  const textContent = v.lazy((input): v.GenericSchema<unknown, string | v.InferOutput<typeof textPart>[]> =>
    Array.isArray(input) ? listOf(textPart, limits.parts) : text(),
  )
  const anyPart = v.variant('type', [textPart, imagePart])
  const userContent = v.lazy((input): v.GenericSchema<unknown, string | v.InferOutput<typeof anyPart>[]> =>
    Array.isArray(input) ? listOf(anyPart, limits.parts) : text(),
  )
  const toolCall = v.object({
    id: label,
    type: v.literal('function'),
    function: v.object({ name: functionName, arguments: text() }),
  })
  const message = v.variant('role', [
    v.object({ role: v.literal('system'), content: textContent, name: v.optional(label) }),
    v.object({ role: v.literal('developer'), content: textContent, name: v.optional(label) }),
    v.object({ role: v.literal('user'), content: userContent, name: v.optional(label) }),
    v.object({
      role: v.literal('assistant'),
      content: v.optional(v.nullable(textContent)),
      name: v.optional(label),
      tool_calls: v.optional(listOf(toolCall, limits.tools)),
    }),
    v.object({ role: v.literal('tool'), content: textContent, tool_call_id: label }),
  ])

  return v.pipe(
    v.object({
      model: text(256),
      messages: v.pipe(listOf(message, limits.messages), v.minLength(1, 'at least one message')),
      max_tokens: v.nullish(integerFrom(0, limits.maxTokens)),
      max_completion_tokens: v.nullish(integerFrom(0, limits.maxTokens)),
      temperature: v.nullish(numberFrom(0, 2)),
      top_p: v.nullish(numberFrom(0, 1)),
      stop: v.nullish(
        v.pipe(
          v.unknown(),
          v.transform((stop) => (typeof stop === 'string' ? [stop] : stop)),
          listOf(v.pipe(text(limits.stopLength), v.nonEmpty('not empty')), 4),
        ),
      ),
      seed: v.nullish(integerFrom(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
      frequency_penalty: v.nullish(numberFrom(-2, 2)),
      presence_penalty: v.nullish(numberFrom(-2, 2)),
      tools: v.nullish(
        listOf(
          v.object({
            type: v.literal('function'),
            function: v.object({
              name: functionName,
              description: v.optional(text(limits.schemaBytes)),
              parameters: v.optional(jsonSchema),
              strict: v.optional(v.nullable(v.boolean())),
            }),
          }),
          limits.tools,
        ),
      ),
      tool_choice: v.nullish(
        v.lazy((input): v.GenericSchema<unknown, ToolChoice> =>
          typeof input === 'string'
            ? v.picklist(['none', 'auto', 'required'])
            : v.object({ type: v.literal('function'), function: v.object({ name: functionName }) }),
        ),
      ),
      parallel_tool_calls: v.nullish(v.boolean()),
      response_format: v.nullish(
        v.variant('type', [
          v.object({ type: v.literal('text') }),
          v.object({ type: v.literal('json_object') }),
          v.object({
            type: v.literal('json_schema'),
            json_schema: v.object({
              name: functionName,
              description: v.optional(text(limits.schemaBytes)),
              schema: jsonSchema,
              strict: v.optional(v.nullable(v.boolean())),
            }),
          }),
        ]),
      ),
      // Refused instead of dropped: the answer would silently lack what was asked for.
      n: v.nullish(v.literal(1)),
      logprobs: v.nullish(v.literal(false)),
    }),
    v.check((request) => countImages(request.messages) <= limits.images, `at most ${limits.images} images`),
  )
}

type Parsed = v.InferOutput<ReturnType<typeof chatRequestSchema>>
export type ChatMessage = Parsed['messages'][number]
export type ToolChoice = 'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } }

/** A validated OpenAI chat-completions body, in OpenAI's own names, without anything a node does not know. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  /** Tokens of the answer; the smaller one of `max_tokens` and `max_completion_tokens`. */
  readonly max_tokens?: number
  readonly temperature?: number
  readonly top_p?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  readonly frequency_penalty?: number
  readonly presence_penalty?: number
  readonly tools?: NonNullable<Parsed['tools']>
  readonly tool_choice?: ToolChoice
  readonly parallel_tool_calls?: boolean
  readonly response_format?: NonNullable<Parsed['response_format']>
}

/**
 * Reads an opened chat-completions body.
 *
 * @throws EngineError `bad-request`, naming the first wrong place (`messages[2].role`) and what belongs there, never what
 *   stands there
 */
export function parseChatRequest(bytes: Uint8Array, limits: ChatLimits = defaultChatLimits): ChatRequest {
  const json = parseBoundedJson(bytes, { bytes: limits.bodyBytes, depth: limits.depth })
  const result = v.safeParse(chatRequestSchema(limits), json, { abortEarly: true })
  if (!result.success) throw new EngineError('bad-request', describeIssue(result.issues[0]))
  const { model, messages, max_tokens, max_completion_tokens, ...rest } = result.output
  const maxTokens = [max_tokens, max_completion_tokens].filter((limit) => typeof limit === 'number')
  return {
    model,
    messages,
    ...(maxTokens.length > 0 && { max_tokens: Math.min(...maxTokens) }),
    ...(typeof rest.temperature === 'number' && { temperature: rest.temperature }),
    ...(typeof rest.top_p === 'number' && { top_p: rest.top_p }),
    ...(rest.stop && rest.stop.length > 0 && { stop: rest.stop }),
    ...(typeof rest.seed === 'number' && { seed: rest.seed }),
    ...(typeof rest.frequency_penalty === 'number' && { frequency_penalty: rest.frequency_penalty }),
    ...(typeof rest.presence_penalty === 'number' && { presence_penalty: rest.presence_penalty }),
    ...(rest.tools && rest.tools.length > 0 && { tools: rest.tools }),
    ...(rest.tool_choice && { tool_choice: rest.tool_choice }),
    ...(typeof rest.parallel_tool_calls === 'boolean' && { parallel_tool_calls: rest.parallel_tool_calls }),
    ...(rest.response_format && { response_format: rest.response_format }),
  }
}

/** Path and expectation come from the schema alone; valibot's own messages quote the input, so they are not used. */
function describeIssue(issue: v.BaseIssue<unknown>): string {
  const place = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  const where = place.replace(/^\./, '') || 'body'
  if (issue.type === 'object' && issue.received === 'undefined' && issue.path) return `${where}: missing`
  return `${where}: expected ${issue.kind === 'schema' && issue.type !== 'custom' ? issue.expected : issue.message}`
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Decoded bytes of a base64 `data:` image; undefined for any other URL. */
function imageSize(url: string): number | undefined {
  const header = /^data:([a-z/]+);base64,/.exec(url.slice(0, 64))
  if (!header || !imageTypes.includes(header[1] ?? '')) return undefined
  const base64 = url.slice(header[0].length)
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  return (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
}

function countImages(messages: readonly { readonly content?: unknown }[]): number {
  const parts = messages.flatMap(({ content }): readonly { type?: unknown }[] =>
    Array.isArray(content) ? content : [],
  )
  return parts.filter(({ type }) => type === 'image_url').length
}

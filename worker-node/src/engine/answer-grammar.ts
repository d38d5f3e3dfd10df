import type { GbnfJsonObjectSchema, GbnfJsonSchema, Llama, LlamaGrammar } from 'node-llama-cpp'
import type { ChatRequest } from './chat-request.ts'
import { EngineError } from './engine.ts'

export interface AnswerGrammar {
  readonly grammar: LlamaGrammar
  /** Text that ends the answer: what the generated grammar puts after a complete value. */
  readonly endText?: string
}

/**
 * The grammar that makes a model answer in the asked-for shape; undefined when any text will do.
 *
 * @throws EngineError `bad-request` for a schema that the grammar cannot hold an answer to
 */
export async function answerGrammar(
  llama: Llama,
  format: ChatRequest['response_format'],
): Promise<AnswerGrammar | undefined> {
  if (!format || format.type === 'text') return undefined
  if (format.type === 'json_object') return { grammar: await llama.getGrammarFor('json') }
  const schema = supportedSchema(format.json_schema.schema, 'response_format.json_schema.schema')
  try {
    // The method infers the answer's type from one member of the union; which one does not matter here.
    return { grammar: await llama.createGrammarForJsonSchema(schema as GbnfJsonObjectSchema), endText: '\n'.repeat(4) }
  } catch {
    throw new EngineError('bad-request', 'response_format.json_schema.schema: too complex for a grammar')
  }
}

/** A call of one of these tools: its name, then its arguments. */
export async function callGrammar(llama: Llama, tools: NonNullable<ChatRequest['tools']>): Promise<LlamaGrammar> {
  const calls = tools.map(({ function: { name, parameters, strict } }, index) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: argumentsSchema(parameters, strict ?? false, index) },
  }))
  const schema = calls.length === 1 ? calls[0] : { oneOf: calls }
  try {
    return await llama.createGrammarForJsonSchema(schema as GbnfJsonObjectSchema)
  } catch {
    throw new EngineError('bad-request', 'tools: parameters too complex for a grammar')
  }
}

/** Only what is called strict is promised; for the rest any object will do where the schema says what no grammar can. */
function argumentsSchema(parameters: Schema | undefined, strict: boolean, index: number): GbnfJsonSchema {
  const path = `tools[${index}].function.parameters`
  const { type } = keywordsOf(parameters ?? { type: 'object' })
  try {
    if (type !== 'object') throw unsupported(path, 'needs the type "object"')
    return supportedSchema(parameters ?? { type: 'object', properties: {} }, path)
  } catch (error) {
    if (strict || !(error instanceof EngineError)) throw error
    return { type: 'object', additionalProperties: true }
  }
}

const annotations = new Set(['title', 'description', 'default', 'examples', '$schema', '$id', '$comment'])
const scalarTypes = ['string', 'number', 'integer', 'boolean', 'null'] as const
/** Repetitions are unrolled in the grammar, and every sampled token walks it. */
const MAX_REPETITION = 256

type Schema = Readonly<Record<string, unknown>>

/**
 * A copy with nothing but what becomes part of the grammar. Anything else is refused: a keyword silently ignored would
 * give answers that break the schema. `$ref` is refused because a cycle of them makes a left-recursive grammar.
 */
function supportedSchema(schema: unknown, path: string): GbnfJsonSchema {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw unsupported(path, 'expected an object')
  const { keywords, type } = keywordsOf(schema as Schema)
  const only = (...allowed: string[]): void => {
    const other = Object.keys(keywords).find((keyword) => !allowed.includes(keyword))
    if (other !== undefined) throw unsupported(path, 'uses a keyword this engine does not offer here')
  }

  const alternatives = keywords['oneOf'] ?? keywords['anyOf']
  if (alternatives !== undefined) {
    only('oneOf' in keywords ? 'oneOf' : 'anyOf')
    return { oneOf: choicesAt(alternatives, path).map((item, index) => supportedSchema(item, `${path}[${index}]`)) }
  }
  if ('const' in keywords) {
    only('const', 'type')
    return { const: literalAt(keywords['const'], path) }
  }
  if ('enum' in keywords) {
    only('enum', 'type')
    return { enum: choicesAt(keywords['enum'], path).map((item) => literalAt(item, path)) }
  }
  if (type === 'object') return objectSchema(keywords, path, only)
  if (type === 'array') {
    only('type', 'items', 'prefixItems', 'minItems', 'maxItems')
    const { items, prefixItems } = keywords
    return {
      type,
      ...(items !== undefined && { items: supportedSchema(items, `${path}.items`) }),
      ...(prefixItems !== undefined && {
        prefixItems: listAt(prefixItems, path).map((item, index) =>
          supportedSchema(item, `${path}.prefixItems[${index}]`),
        ),
      }),
      ...countsAt(keywords, path, 'minItems', 'maxItems'),
    }
  }
  if (type === 'string' && 'format' in keywords) {
    only('type', 'format')
    const format = (['date-time', 'time', 'date'] as const).find((known) => known === keywords['format'])
    if (!format) throw unsupported(path, 'knows the formats "date-time", "time" and "date"')
    return { type, format }
  }
  if (type === 'string') {
    only('type', 'minLength', 'maxLength')
    return { type, ...countsAt(keywords, path, 'minLength', 'maxLength') }
  }
  only('type')
  const types = (Array.isArray(type) ? type : [type]).map((name) => scalarTypes.find((known) => known === name))
  if (types.length === 0 || !types.every((name) => name !== undefined)) throw unsupported(path, 'needs a known "type"')
  return { type: types }
}

function objectSchema(keywords: Schema, path: string, only: (...allowed: string[]) => void): GbnfJsonSchema {
  only('type', 'properties', 'required', 'additionalProperties')
  const { properties = {}, required = [], additionalProperties } = keywords
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw unsupported(`${path}.properties`, 'expected an object')
  }
  const names = Object.keys(properties)
  if (!names.every(isPlainText)) throw unsupported(`${path}.properties`, 'has a name with control characters')
  // The grammar writes every listed property, which satisfies any "required" that lists no others.
  if (!listAt(required, `${path}.required`).every((name) => typeof name === 'string' && names.includes(name))) {
    throw unsupported(`${path}.required`, 'lists what "properties" does not')
  }
  const entries = Object.entries(properties).map(
    ([name, property], index) => [name, supportedSchema(property, `${path}.properties[${index}]`)] as const,
  )
  return {
    type: 'object',
    properties: Object.fromEntries(entries),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean'
          ? additionalProperties
          : supportedSchema(additionalProperties, `${path}.additionalProperties`),
    }),
  }
}

function keywordsOf(schema: Schema): { keywords: Schema; type: unknown } {
  const keywords = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !annotations.has(keyword)))
  const type = keywords['type'] ?? ('properties' in keywords ? 'object' : 'items' in keywords ? 'array' : undefined)
  return { keywords, type }
}

function listAt(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unsupported(path, 'expected a list')
  return value
}

function choicesAt(value: unknown, path: string): readonly unknown[] {
  const choices = listAt(value, path)
  if (choices.length === 0) throw unsupported(path, 'offers nothing to choose from')
  return choices
}

function literalAt(value: unknown, path: string): string | number | boolean | null {
  if (typeof value === 'string' && isPlainText(value)) return value
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  throw unsupported(path, 'offers texts without control characters, numbers, booleans and null as values')
}

function countsAt<Min extends string, Max extends string>(keywords: Schema, path: string, min: Min, max: Max) {
  const counts: { [Name in Min | Max]?: number } = {}
  for (const name of [min, max]) {
    const count = keywords[name]
    if (count === undefined) continue
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > MAX_REPETITION) {
      throw unsupported(`${path}.${name}`, `expected a whole number up to ${MAX_REPETITION}`)
    }
    counts[name] = count
  }
  if ((counts[min] ?? 0) > (counts[max] ?? MAX_REPETITION)) throw unsupported(`${path}.${max}`, `less than ${min}`)
  return counts
}

/** Control characters stand unescaped in the grammar's literals and would make the answer invalid JSON. */
function isPlainText(text: string): boolean {
  return !/\p{Cc}/u.test(text)
}

function unsupported(path: string, reason: string): EngineError {
  return new EngineError('bad-request', `${path}: ${reason}`)
}

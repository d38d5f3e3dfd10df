import { fileURLToPath } from 'node:url'
import type { ChatRequest } from '../../src/engine/chat-request.ts'
import { startEmbeddedEngine, type EmbeddedOptions } from '../../src/engine/embedded.ts'
import type { Engine, EngineEvent } from '../../src/engine/engine.ts'

export const demoModel = fileURLToPath(new URL('../../demo-model/cocoon-demo.gguf', import.meta.url))

export const startDemo = (options: Partial<EmbeddedOptions> = {}) =>
  startEmbeddedEngine({ modelPath: demoModel, modelId: 'demo', slots: 4, contextSize: 512, ...options })

export type End = Extract<EngineEvent, { type: 'end' }>

export function ask(content: string, more: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'demo', messages: [{ role: 'user', content }], temperature: 0, ...more }
}

/** An answer of at least that many tokens, whatever the model would rather say. */
export function longAnswer(characters: number): Partial<ChatRequest> {
  const schema = { type: 'array', minItems: Math.ceil(characters / 64), items: { type: 'string', minLength: 64 } }
  return { response_format: { type: 'json_schema', json_schema: { name: 'long', schema } } }
}

/** Reads an answer to its end; `onText` sees every piece as it comes. */
export async function answerOf(
  engine: Engine,
  request: ChatRequest,
  { signal = new AbortController().signal, onText = (_text: string): void => undefined } = {},
): Promise<End & { text: string }> {
  let text = ''
  let end: End | undefined
  for await (const event of engine.chat(request, { signal })) {
    if (end) throw new Error('an event after the end')
    if (event.type === 'end') end = event
    else {
      text += event.delta.content ?? ''
      onText(event.delta.content ?? '')
    }
  }
  if (!end) throw new Error('no end')
  return { ...end, text }
}

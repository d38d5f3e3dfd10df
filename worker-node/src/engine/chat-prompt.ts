import {
  type ChatHistoryItem,
  type ChatWrapper,
  type LlamaModel,
  LlamaText,
  resolveChatWrapper,
  type Token,
} from 'node-llama-cpp'
import type { ChatMessage } from './chat-request.ts'
import { EngineError } from './engine.ts'
import { callText, resultText } from './tool-plan.ts'

/** Turns messages into the tokens a model was trained on, and says what ends and what opens its answer. */
export interface ChatPrompt {
  /**
   * Text of the sender never becomes a control token: `<|im_start|>` in a message stays those twelve characters.
   *
   * @throws EngineError `context-exceeded` as soon as it is clear that they do not fit `context` tokens
   * @throws EngineError `bad-request` for messages a text model cannot take
   */
  render(messages: readonly ChatMessage[], context: number): Promise<Token[]>
  /** Tokens that end an answer, besides the model's own end tokens. */
  readonly endTokens: ReadonlySet<Token>
  /** Texts that end an answer, for models that write their end mark as ordinary text. */
  readonly endTexts: readonly string[]
  readonly thought?: ThoughtMarks
}

/** The tokens around what a model thinks aloud. */
export interface ThoughtMarks {
  /** Undefined when only the template writes it, at the end of every prompt. */
  readonly open: Token | undefined
  readonly close: Token
}

/** True when an answer to this prompt begins in the middle of a thought: some templates open it themselves. */
export function opensThought({ thought }: ChatPrompt, tokens: readonly Token[]): boolean {
  return thought !== undefined && (thought.open === undefined || tokens.slice(-3).includes(thought.open))
}

interface TextMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly text: string
}

/**
 * Picks the renderer for a model from the template in its file: plain ChatML is rendered here, exactly; anything else by
 * node-llama-cpp's wrapper for that family.
 *
 * @throws EngineError `engine-failed` for a model whose answers need more than a prompt and an end mark
 */
export function chatPromptFor(model: LlamaModel): ChatPrompt {
  const template = model.fileInfo.metadata?.tokenizer?.chat_template
  const prompt = template && isPlainChatMl(model, template) ? chatMlPrompt(model) : wrapperPrompt(model)
  const longestToken = longestTokenBytes(model)
  return {
    ...prompt,
    async render(messages, context) {
      const texts = textsOf(messages)
      // Tokenising a text that cannot fit would block the event loop for nothing.
      const bytes = texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
      if (bytes > context * longestToken) throw tooLong(context)
      return prompt.renderTexts(texts, context)
    },
  }
}

type Renderer = Omit<ChatPrompt, 'render'> & {
  renderTexts(messages: readonly TextMessage[], context: number): Promise<Token[]>
}

function isPlainChatMl(model: LlamaModel, template: string): boolean {
  if (!template.includes('<|im_start|>') || /tool|think|default/i.test(template)) return false
  return ['<|im_start|>', '<|im_end|>'].every((mark) => model.tokenize(mark, true).length === 1)
}

function chatMlPrompt(model: LlamaModel): Renderer {
  const [start, end, newline] = [
    model.tokenize('<|im_start|>', true),
    model.tokenize('<|im_end|>', true),
    model.tokenize('\n', false),
  ]
  const beginning = model.tokens.shouldPrependBosToken && model.tokens.bos !== null ? [model.tokens.bos] : []
  const role = (name: string) => [...start, ...model.tokenize(`${name}\n`, false)]
  const roles = { system: role('system'), user: role('user'), assistant: role('assistant') }
  return {
    endTokens: new Set(end),
    endTexts: [],
    async renderTexts(messages, context) {
      const tokens = [...beginning]
      for (const message of messages) {
        append(tokens, roles[message.role])
        append(tokens, model.tokenize(message.text, false))
        append(tokens, end)
        append(tokens, newline)
        if (tokens.length >= context) throw tooLong(context)
        await nextTurn()
      }
      append(tokens, roles.assistant)
      if (tokens.length >= context) throw tooLong(context)
      return tokens
    },
  }
}

function wrapperPrompt(model: LlamaModel): Renderer {
  const wrapper = resolveChatWrapper(model, { warningLogs: false })
  const probe = generate(wrapper, [{ role: 'user', text: 'x' }])
  if (probe.prefixTriggers || probe.noPrefixTrigger || probe.rerender || probe.functionCall?.initiallyEngaged) {
    throw new EngineError(
      'engine-failed',
      `the embedded engine cannot drive chat format "${wrapper.wrapperName}": run this model in llama-server, engine kind "openai"`,
    )
  }
  const endTokens = new Set<Token>()
  const endTexts: string[] = []
  for (const trigger of probe.stopGenerationTriggers) {
    const tokens = trigger.tokenize(model.tokenizer)
    const [only] = tokens
    if (trigger.values.every((value) => typeof value === 'string')) endTexts.push(trigger.values.join(''))
    else if (tokens.length === 1 && only !== undefined) endTokens.add(only)
  }
  const thought = thoughtMarks(model, wrapper)
  return {
    endTokens,
    endTexts: endTexts.filter((text) => text !== ''),
    ...(thought && { thought }),
    async renderTexts(messages, context) {
      const tokens = generate(wrapper, messages).contextText.tokenize(model.tokenizer)
      const { bos, shouldPrependBosToken } = model.tokens
      if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos)
      if (tokens.length >= context) throw tooLong(context)
      return tokens
    },
  }
}

function generate(wrapper: ChatWrapper, messages: readonly TextMessage[]) {
  const history = messages.map(({ role, text }): ChatHistoryItem => {
    if (role === 'assistant') return { type: 'model', response: [text] }
    return { type: role, text }
  })
  // The empty answer at the end is where the model goes on.
  return wrapper.generateContextState({ chatHistory: [...history, { type: 'model', response: [] }] })
}

/** Thinking is told from answering by its two marks; families that mark it otherwise answer with the marks as text. */
function thoughtMarks(model: LlamaModel, wrapper: ChatWrapper): ThoughtMarks | undefined {
  const segment = wrapper.settings.segments?.thought
  if (!segment?.suffix) return undefined
  const mark = (text: string | LlamaText): Token | undefined => {
    const tokens = model.tokenize(LlamaText(text).toString().trim(), true)
    return tokens.length === 1 ? tokens[0] : undefined
  }
  const close = mark(segment.suffix)
  if (close === undefined) return undefined
  if (typeof segment.prefix === 'object' && 'type' in segment.prefix) return { open: undefined, close }
  const open = mark(segment.prefix)
  return open === undefined ? undefined : { open, close }
}

/** Results of tools that follow one another are one turn. */
function textsOf(messages: readonly ChatMessage[]): TextMessage[] {
  const texts: TextMessage[] = []
  for (const [index, message] of messages.entries()) {
    const text = textOf(message, index)
    const before = texts.at(-1)
    if (before && message.role === 'tool' && messages[index - 1]?.role === 'tool') {
      texts[texts.length - 1] = { ...before, text: `${before.text}\n${text.text}` }
    } else texts.push(text)
  }
  return texts
}

function textOf(message: ChatMessage, index: number): TextMessage {
  const { content } = message
  const text = Array.isArray(content)
    ? content.map((part) => {
        if (part.type === 'text') return part.text
        throw new EngineError('bad-request', `messages[${index}]: this model takes no images`)
      })
    : [content ?? '']
  const role = message.role === 'developer' ? 'system' : message.role
  if (role === 'tool') return { role: 'user', text: resultText(text.join('')) }
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []).map(callText) : []
  const said = text.join('')
  return { role, text: [...(said === '' ? [] : [said]), ...calls].join('\n') }
}

function longestTokenBytes(model: LlamaModel): number {
  const tokens = model.fileInfo.metadata?.tokenizer?.ggml?.tokens
  if (!Array.isArray(tokens) || tokens.length === 0) return Number.POSITIVE_INFINITY
  return tokens.reduce((longest: number, token) => Math.max(longest, Buffer.byteLength(String(token))), 1)
}

function append(tokens: Token[], more: readonly Token[]): void {
  for (const token of more) tokens.push(token)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function tooLong(context: number): EngineError {
  return new EngineError('context-exceeded', `the messages do not fit the context of ${context} tokens`)
}
